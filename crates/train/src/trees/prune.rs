//! Minimal cost-complexity pruning (Breiman et al. 1984).

use everloop_package::graph::{Tree, TreeNode};

use super::Grown;

/// The least tree for which no subtree costs less, where a leaf costs `alpha`, and a split lowers the cost by its gain as
/// a share of `whole`.
pub(crate) fn prune(grown: &mut Grown, alpha: f64, whole: f64) {
    if alpha <= 0.0 {
        return;
    }
    // What each node and all below it save; children come after their parents.
    let mut saves = vec![0.0; grown.tree.nodes.len()];
    for at in (0..grown.tree.nodes.len()).rev() {
        if let TreeNode::Split { left, right, .. } = &grown.tree.nodes[at] {
            let below = saves[*left as usize] + saves[*right as usize];
            let saved = grown.gains[at] / whole - alpha + below;
            if saved > 0.0 {
                saves[at] = saved;
            } else {
                grown.gains[at] = 0.0;
                grown.tree.nodes[at] = grown.as_leaves[at].clone();
            }
        }
    }
    let kept = reached(&grown.tree);
    let gains = kept.iter().map(|at| grown.gains[*at]).collect();
    grown.gains = gains;
    grown.tree = Tree {
        nodes: renumbered(&grown.tree, &kept),
    };
}

/// The nodes that the root leads to, growing.
fn reached(tree: &Tree) -> Vec<usize> {
    let mut is_reached = vec![false; tree.nodes.len()];
    is_reached[0] = true;
    for at in 0..tree.nodes.len() {
        if let (true, TreeNode::Split { left, right, .. }) = (is_reached[at], &tree.nodes[at]) {
            is_reached[*left as usize] = true;
            is_reached[*right as usize] = true;
        }
    }
    (0..tree.nodes.len()).filter(|at| is_reached[*at]).collect()
}

fn renumbered(tree: &Tree, kept: &[usize]) -> Vec<TreeNode> {
    let mut place = vec![0; tree.nodes.len()];
    for (new, old) in (0..).zip(kept) {
        place[*old] = new;
    }
    let mut nodes: Vec<TreeNode> = kept.iter().map(|at| tree.nodes[*at].clone()).collect();
    for node in &mut nodes {
        if let TreeNode::Split { left, right, .. } = node {
            (*left, *right) = (place[*left as usize], place[*right as usize]);
        }
    }
    nodes
}
