//! Plots as a page of HTML, and as files.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::collect::{Content, Drawing};
use super::tell::rows;
use crate::chart::escaped;

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1f2328;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}figure{display:inline-block;margin:0 1rem 1rem 0}\
img,svg{max-width:100%;height:auto}table{border-collapse:collapse;display:block;overflow-x:auto}\
td,th{border-bottom:1px solid #8884;padding:.2rem .7rem;text-align:left}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}}";

/// A page that needs nothing else: no scripts, no network.
pub(super) fn page(drawings: &[Drawing], versions: &[String]) -> String {
    let title = format!("Plots of {}", versions.join(", "));
    let mut body = String::new();
    for drawing in drawings {
        let _ = writeln!(body, "<section><h2>{}</h2>", escaped(&drawing.id));
        let Some(kind) = drawing.image_type() else {
            let _ = writeln!(body, "<figure>{}</figure></section>", drawing.chart().svg());
            continue;
        };
        for (version, content) in &drawing.versions {
            if let Content::Image(bytes) = content {
                let (url, version) = (data_url(kind, bytes), escaped(version));
                let _ = writeln!(
                    body,
                    "<figure><img src=\"{url}\" alt=\"{version}\"><figcaption>{version}</figcaption></figure>"
                );
            }
        }
        body.push_str("</section>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}{}</body></html>\n",
        numbers(drawings),
        title = escaped(&title),
    )
}

/// The numbers that are drawn, for who cannot see them.
fn numbers(drawings: &[Drawing]) -> String {
    let mut table = String::from("<h2>Numbers</h2>\n<table><tr>");
    for name in [
        "Plot", "Field", "Revision", "Points", "Min", "Max", "Last", "Change",
    ] {
        let _ = write!(table, "<th>{name}</th>");
    }
    for row in rows(drawings) {
        table.push_str("</tr>\n<tr>");
        for cell in row {
            let _ = write!(table, "<td>{}</td>", escaped(&cell));
        }
    }
    table.push_str("</tr></table>\n");
    table
}

/// Bytes as a URL that holds them.
pub(super) fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

/// A file for each plot; one for each version of an image. No name leads out of the directory.
pub(super) fn files(drawings: &[Drawing]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| {
        let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let plain = name.chars().map(|c| if is_safe(c) { c } else { '_' });
        let plain: String = plain.collect();
        let plain = plain.trim_start_matches('.').to_owned();
        let is_taken = files.iter().any(|(known, _)| *known == plain);
        let unique = if is_taken {
            format!("{}_{plain}", files.len())
        } else {
            plain
        };
        files.push((unique, bytes));
    };
    for drawing in drawings {
        if drawing.image_type().is_none() {
            add(
                format!("{}.svg", drawing.id),
                drawing.chart().svg().into_bytes(),
            );
        }
        for (version, content) in &drawing.versions {
            if let Content::Image(bytes) = content {
                add(format!("{version}_{}", drawing.id), bytes.clone());
            }
        }
    }
    files
}
