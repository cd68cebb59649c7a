//! What the compiler did to a network, for people: a page, the same facts as JSON, and drawings of its graphs. Nothing
//! of this happens unless it is asked for, and what is compiled does not depend on it.

mod data;
mod dot;
mod facts;
mod gather;
mod groups;
mod html;
mod json;
mod memory;
mod mermaid;
mod phases;
mod profile;
mod program;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use facts::{
    Buffer, Facts, Function, Group, Input, Kernel, Layer, Loop, Machine, Memory, Neighbour, Node, Parameter, Pass,
    Phase, Program, Role,
};
pub use gather::Passes;
pub use json::Json;
pub use profile::{Measured, Profile};

use crate::diag::{Diagnostic, Diagnostics};

/// The variable that asks for reports at build time, and says where.
pub const VARIABLE: &str = "KILN_REPORT";

/// The folder for reports, if they are asked for.
pub(crate) fn wanted() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Writes a build's report; what hinders it is an error of the build, in terms of the variable.
pub(crate) fn at_build(folder: &Path, mut facts: Facts, errors: &mut Diagnostics) {
    facts.measured(&folder.join(format!("{}.profile.tsv", facts.name)));
    if let Err(problem) = write(folder, &facts) {
        let message = format!("the report of `{}` can't be written: {problem}", facts.name);
        let help = format!("the variable {VARIABLE} names the folder for reports; without it there are none");
        errors.push(Diagnostic::new(proc_macro2::Span::call_site(), message).help(help));
    }
}

/// Writes the files of a report, `NAME.html`, `NAME.json`, and for each function `NAME.FUNCTION.dot` and
/// `NAME.FUNCTION.mmd`, and says which. Folders that are missing are made.
///
/// # Errors
/// Which file, and what the system says.
pub fn write(folder: &Path, facts: &Facts) -> Result<Vec<PathBuf>, String> {
    let problem = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| problem(folder, error))?;
    let mut written = Vec::new();
    for (name, text) in files(facts) {
        let path = folder.join(name);
        // Two builds of one network may be under way: each file is there whole, or not yet.
        let part = folder.join(format!(".{}.{}.part", facts.name, std::process::id()));
        let done = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &path));
        if let Err(error) = done {
            let _ = std::fs::remove_file(&part);
            return Err(problem(&path, error));
        }
        written.push(path);
    }
    Ok(written)
}

/// Names and texts of a report's files.
pub fn files(facts: &Facts) -> Vec<(String, String)> {
    let data = Json::from(facts);
    let name = &facts.name;
    let mut files =
        vec![(format!("{name}.html"), html::html(facts, &data)), (format!("{name}.json"), format!("{data}\n"))];
    for function in &facts.functions {
        let stem = format!("{name}.{}", function.name);
        files.push((format!("{stem}.dot"), dot::dot(&stem, &function.program)));
        files.push((format!("{stem}.mmd"), mermaid::mermaid(&function.program)));
    }
    files
}

impl Facts {
    /// Puts beside the predictions what a profile says, if there is such a file.
    pub fn measured(&mut self, path: &Path) {
        self.profile = match std::fs::read_to_string(path) {
            Ok(text) => Some(profile::read(&text).map_err(|problem| format!("{}: {problem}", path.display()))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => Some(Err(format!("{}: {error}", path.display()))),
        };
    }
}
