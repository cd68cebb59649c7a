//! JSON, written.

use std::fmt::{self, Write};

/// A value of JSON.
#[derive(Clone, Debug)]
pub enum Json {
    /// Nothing.
    Null,
    /// A truth.
    Bool(bool),
    /// A count.
    Int(u64),
    /// A number; what JSON has no number for is written as `null`.
    Float(f64),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Json>),
    /// Values by name, in order.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// A list of what each becomes.
    pub fn list<T>(items: &[T], each: impl FnMut(&T) -> Self) -> Self {
        Self::List(items.iter().map(each).collect())
    }

    /// The value, or nothing.
    pub fn maybe<T: Into<Self>>(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Int(number as u64)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// Without spaces. `<` is escaped, so that the text may stand in a page's script.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) if number.is_finite() => write!(f, "{number}"),
            Self::Float(_) => f.write_str("null"),
            Self::Text(text) => quoted(text, f),
            Self::List(items) => {
                f.write_char('[')?;
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        f.write_char(',')?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (place, (key, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        f.write_char(',')?;
                    }
                    quoted(key, f)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '<' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => write!(f, "\\u{:04x}", letter as u32)?,
            letter => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_value() {
        let value = Json::Object(vec![
            ("nothing", Json::Null),
            ("list", Json::List(vec![true.into(), 3_usize.into(), 0.5.into(), f64::NAN.into()])),
            ("text", "a \"b\" \\ \u{7}\n</script> ä".into()),
        ]);
        let text = r#"{"nothing":null,"list":[true,3,0.5,null],"text":"a \"b\" \\ \u0007\n\u003c/script> ä"}"#;
        assert_eq!(value.to_string(), text);
    }
}
