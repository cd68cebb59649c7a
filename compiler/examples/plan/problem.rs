//! Tables of buffers.

use std::collections::BTreeMap;
use std::fmt::Write;

use kiln_compiler::plan::Buffer;

/// What to place.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The buffers' names.
    pub(crate) ids: Vec<String>,
    /// The buffers themselves.
    pub(crate) buffers: Vec<Buffer>,
    /// What every offset must be a multiple of.
    pub(crate) alignment: usize,
    /// How many buffers have gaps in which they need no bytes: such gaps are left unused.
    pub(crate) gaps: usize,
}

const COLUMNS: [&str; 4] = ["id", "lower", "upper", "size"];

impl Problem {
    /// Reads a table whose first line names the columns, `id`, `lower`, `upper` and `size` among them, in any order.
    /// A column `alignment` must say the same of all buffers; others are passed over.
    ///
    /// # Errors
    /// `line: what is wrong there`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().zip(1usize..).filter(|(line, _)| !line.trim().is_empty());
        let (header, line) =
            lines.next().ok_or("1: the file is empty; the first line should be `id,lower,upper,size`")?;
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        let column = |name: &str| {
            let found = names.iter().position(|&other| other == name);
            found.ok_or(format!("{line}: no column `{name}` in the header `{header}`; it needs `id,lower,upper,size`"))
        };
        let [id, lower, upper, size] = COLUMNS.map(column);
        let (id, lower, upper, size) = (id?, lower?, upper?, size?);
        let optional = |name: &str| names.iter().position(|&other| other == name);
        let (alignment, gaps) = (optional("alignment"), optional("gaps"));
        let mut problem = Self { ids: Vec::new(), buffers: Vec::new(), alignment: 1, gaps: 0 };
        let mut seen = BTreeMap::new();
        let mut total = 0usize;
        for (text, line) in lines {
            let fields: Vec<&str> = text.split(',').map(str::trim).collect();
            if fields.len() != names.len() {
                return Err(format!("{line}: {} values for {} columns", fields.len(), names.len()));
            }
            let number = |column: usize| {
                let wrong = |_| format!("{line}: `{}` of `{}` is not a whole number", names[column], fields[column]);
                fields[column].parse::<usize>().map_err(wrong)
            };
            let buffer = Buffer { lower: number(lower)?, upper: number(upper)?, size: number(size)? };
            if buffer.upper <= buffer.lower {
                return Err(format!("{line}: upper {} is not past lower {}", buffer.upper, buffer.lower));
            }
            total = total.checked_add(buffer.size).ok_or(format!("{line}: the sizes add up to too much"))?;
            if let Some(first) = seen.insert(fields[id].to_string(), line) {
                return Err(format!("{line}: the id `{}` is that of line {first}", fields[id]));
            }
            if let Some(column) = alignment {
                let alignment = number(column)?.max(1);
                if !problem.ids.is_empty() && alignment != problem.alignment {
                    let first = problem.alignment;
                    return Err(format!("{line}: alignment {alignment} after {first}: it must be the same for all"));
                }
                problem.alignment = alignment;
            }
            problem.gaps += usize::from(gaps.is_some_and(|column| !fields[column].is_empty()));
            problem.ids.push(fields[id].to_string());
            problem.buffers.push(buffer);
        }
        if problem.buffers.is_empty() {
            return Err(format!("{line}: no buffers after the header"));
        }
        Ok(problem)
    }

    /// The table with an offset for each buffer.
    pub(crate) fn solved(&self, offsets: &[usize]) -> String {
        let mut text = "id,lower,upper,size,offset\n".to_string();
        for ((id, Buffer { lower, upper, size }), offset) in self.ids.iter().zip(&self.buffers).zip(offsets) {
            let _ = writeln!(text, "{id},{lower},{upper},{size},{offset}"); // Strings take all that is written.
        }
        text
    }
}
