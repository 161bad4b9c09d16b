//! Bounds that leave nothing between them.

use crate::codes;
use crate::diagnostic::Report;
use crate::yaml::Node;

pub(super) fn check(tree: &Node, report: &mut Report) {
    for table in tree.get("checks").map_or(&[][..], Node::entries) {
        let columns = table.value.get("columns").map_or(&[][..], Node::entries);
        let bounded = columns.iter().map(|column| (&column.key, &column.value));
        let rows = table.value.get("rows").map(|rows| (&table.key, rows));
        for (name, node) in bounded.chain(rows) {
            let (Some(min), Some(max)) = (node.get("min"), node.get("max")) else {
                continue;
            };
            if let (Some(low), Some(high)) = (min.number(), max.number())
                && low > high
            {
                let message = format!("nothing of `{name}` lies between min {low} and max {high}");
                report.at(codes::CONTRADICTION, max, message);
            }
        }
    }
}
