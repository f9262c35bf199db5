//! The files of the dashboard, embedded: no build step, and nothing to install beside the binary.
//! How they are served is in `answer`.

/// One embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its path below `/assets/`.
    pub(crate) path: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// The description of the API for programs.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// The page itself, served at `/`.
pub(crate) static INDEX: Asset = asset("index.html", HTML, include_bytes!("../assets/index.html"));

const fn asset(path: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { path, media_type, bytes }
}

static ASSETS: [Asset; 16] = [
    asset("app.js", SCRIPT, include_bytes!("../assets/app.js")),
    asset("calls.js", SCRIPT, include_bytes!("../assets/calls.js")),
    asset("cards.js", SCRIPT, include_bytes!("../assets/cards.js")),
    asset("charts.js", SCRIPT, include_bytes!("../assets/charts.js")),
    asset("dom.js", SCRIPT, include_bytes!("../assets/dom.js")),
    asset("endpoints.js", SCRIPT, include_bytes!("../assets/endpoints.js")),
    asset("errors.js", SCRIPT, include_bytes!("../assets/errors.js")),
    asset("events.js", SCRIPT, include_bytes!("../assets/events.js")),
    asset("format.js", SCRIPT, include_bytes!("../assets/format.js")),
    asset("header.js", SCRIPT, include_bytes!("../assets/header.js")),
    asset("history.js", SCRIPT, include_bytes!("../assets/history.js")),
    asset("icon.svg", PICTURE, include_bytes!("../assets/icon.svg")),
    asset("style.css", STYLE, include_bytes!("../assets/style.css")),
    asset("vendor/uplot/LICENSE", PLAIN, include_bytes!("../assets/vendor/uplot/LICENSE")),
    asset(
        "vendor/uplot/uPlot.esm.js",
        SCRIPT,
        include_bytes!("../assets/vendor/uplot/uPlot.esm.js"),
    ),
    asset(
        "vendor/uplot/uPlot.min.css",
        STYLE,
        include_bytes!("../assets/vendor/uplot/uPlot.min.css"),
    ),
];

/// The file of this path below `/assets/`.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests;
