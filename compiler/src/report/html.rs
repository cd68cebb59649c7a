//! The page: one file that needs no other. Its parts are files of `page/`, one for each view.

use super::facts::Facts;
use super::json::Json;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");

/// In the order in which they need each other.
const SCRIPTS: [&str; 12] = [
    include_str!("page/words.js"),
    include_str!("page/drawing.js"),
    include_str!("page/profile.js"),
    include_str!("page/model.js"),
    include_str!("page/card.js"),
    include_str!("page/overview.js"),
    include_str!("page/layout.js"),
    include_str!("page/graph.js"),
    include_str!("page/memory.js"),
    include_str!("page/kernels.js"),
    include_str!("page/passes.js"),
    include_str!("page/main.js"),
];

/// The page of a network; `data` is its facts.
pub(super) fn html(facts: &Facts, data: &Json) -> String {
    let scripts = SCRIPTS.join("\n");
    let parts = [
        ("{{title}}", escaped(&facts.name)),
        ("{{style}}", STYLE.to_string()),
        ("{{data}}", data.to_string()),
        ("{{scripts}}", format!("(() => {{\n\"use strict\";\n{scripts}\n}})();")),
    ];
    // From the last one backwards, so that nothing that is put in is taken for a place.
    let mut page = PAGE.to_string();
    let mut places: Vec<(usize, &str, &String)> =
        parts.iter().flat_map(|(mark, part)| PAGE.match_indices(mark).map(move |(at, _)| (at, *mark, part))).collect();
    places.sort_by_key(|&(at, ..)| std::cmp::Reverse(at));
    for (at, mark, part) in places {
        page.replace_range(at..at + mark.len(), part);
    }
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
