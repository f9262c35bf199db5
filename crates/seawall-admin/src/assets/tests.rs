//! The embedded files against the folder that they come from and against each other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn text(asset: &Asset) -> &'static str {
    std::str::from_utf8(asset.bytes).unwrap()
}

fn own() -> impl Iterator<Item = &'static Asset> {
    let ours = |asset: &&Asset| !asset.path.starts_with("vendor/");
    ASSETS.iter().filter(ours).chain([&INDEX])
}

/// What stands between `before` and the next double quote, everywhere in `text`.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_file_of_the_folder_is_embedded_under_its_own_name() {
    let base = folder();
    let relative = |path: PathBuf| path.strip_prefix(&base).unwrap().to_str().unwrap().to_owned();
    let mut there: BTreeSet<String> = files_below(&base).into_iter().map(relative).collect();
    // The page has a path of its own, the note is for those who renew the files.
    assert!(there.remove("index.html") && there.remove("vendor/uplot/VERSION"));
    let embedded: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
    assert_eq!(embedded, there);
    for asset in &ASSETS {
        assert_eq!(std::fs::read(base.join(asset.path)).unwrap(), asset.bytes, "{}", asset.path);
    }
}

#[test]
fn everything_that_the_page_asks_for_is_served() {
    let page = text(&INDEX);
    let mut asked = quoted(page, "src=\"");
    asked.extend(quoted(page, "href=\"").into_iter().filter(|href| !href.starts_with('#')));
    assert!(asked.len() >= 4, "{asked:?}");
    for path in asked {
        let known = path.strip_prefix("/assets/").and_then(find).is_some();
        assert!(known || path.starts_with("/v1/") || path == "/metrics", "{path}");
    }
}

#[test]
fn every_module_imports_what_is_served() {
    let mut imports = 0;
    for script in own().filter(|asset| asset.media_type == SCRIPT) {
        for path in
            quoted(text(script), " from \"").into_iter().chain(quoted(text(script), "import \""))
        {
            imports += 1;
            assert!(path.strip_prefix("./").and_then(find).is_some(), "{}: {path}", script.path);
        }
    }
    assert!(imports >= 10, "{imports}");
}

#[test]
fn our_files_name_no_other_host() {
    for asset in own() {
        // The name of the picture format looks like an address and is never asked for.
        let text = text(asset).replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("://") && !text.contains("\"//"), "{}", asset.path);
    }
}

#[test]
fn the_plots_name_other_hosts_only_in_comments() {
    for asset in ASSETS.iter().filter(|asset| asset.path.contains("uPlot")) {
        for line in text(asset).lines().filter(|line| line.contains("://")) {
            let before = line.split("://").next().unwrap();
            assert!(before.contains("//") || before.starts_with('*'), "{}: {line}", asset.path);
        }
    }
}

#[test]
fn nothing_that_was_received_is_read_as_markup() {
    for asset in own() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text(asset).contains(way), "{}: {way}", asset.path);
        }
    }
}

#[test]
fn the_page_needs_no_inline_script_or_style() {
    let page = text(&INDEX);
    assert!(!page.contains("<style") && !page.contains("style=\""));
    for handler in [" onclick=", " onload=", " onerror=", " onchange="] {
        assert!(!page.contains(handler), "{handler}");
    }
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script type=\"module\" src=").count()
    );
}
