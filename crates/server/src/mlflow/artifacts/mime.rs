//! Media types of artifacts, by the end of the name.
//!
//! Everything that MLflow's page shows as text is plain text, HTML and scripts too: what people upload must not run in a
//! browser.

/// The ends of names whose files are text.
const TEXTS: [&str; 32] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "mlmodel",
    "mlproject",
    "html",
    "htm",
    "sql",
    "sh",
    "r",
    "jsonnet",
    "svg",
];

/// The media type of a file.
pub(super) fn of(name: &str) -> &'static str {
    let end = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    if TEXTS.contains(&end.as_str()) {
        return "text/plain";
    }
    match end.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "webp" => "image/webp",
        "tif" | "tiff" => "image/tiff",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "wav" => "audio/x-wav",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_media_type() {
        for (name, expected) in [
            ("a.txt", "text/plain"),
            ("MLmodel", "text/plain"),
            ("MLproject", "text/plain"),
            ("plot.PNG", "image/png"),
            ("report.pdf", "application/pdf"),
            ("model.pkl", "application/octet-stream"),
            ("page.html", "text/plain"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
