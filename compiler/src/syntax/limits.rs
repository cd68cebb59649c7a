//! Bounds on nesting and on the length of expressions, checked on the tokens before `syn` sees them:
//! its parser, and every later walk over the tree, recurses.
//!
//! - Groups `( [ {` inside of each other: at most [`NESTING`].
//! - Prefix operators in a row: at most [`PREFIXES`].
//! - Operators in one expression, not counting those in its groups: at most [`OPERATORS`].
//! - Method calls in one chain: at most [`METHODS`].
//! - All of these together along any path into the expression: at most [`STACK`], an estimate of the
//!   stack that `syn` takes in an unoptimised build. So that a thread of 2 MiB is enough whatever
//!   the tokens, each token that can make the parser recurse has a price, in KiB; the prices were
//!   measured by parsing many of the token in a small thread, and rounded up.
//!
//! The last bound also limits the depth of the tree: at most `STACK / CHAIN` levels.

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

use super::tokens::{is_keyword, is_operand, is_punct, is_word};
use crate::diag::{Diagnostic, Diagnostics};

/// Most groups inside of each other.
pub const NESTING: usize = 64;
/// Most prefix operators in a row.
pub const PREFIXES: usize = 32;
/// Most binary operators in one expression.
pub const OPERATORS: usize = 128;
/// Most method calls in one chain.
pub const METHODS: usize = 128;
/// Most stack that an expression may be estimated to take, in KiB.
pub const STACK: usize = 1400;

/// A binary operator, a method call and other links of a chain.
const CHAIN: usize = 6;
/// `=` and `|`: assignments and closures nest to the right.
const RIGHT: usize = 9;
/// One `.` of a range without a start.
const RANGE: usize = 10;
/// `if`, `return` and the like.
const KEYWORD: usize = 15;
/// Parentheses and brackets.
const GROUP: usize = 16;
const BRACES: usize = 28;
/// Parentheses and brackets of types.
const TYPE_GROUP: usize = 38;
/// `&` and `*` before a type or an expression; the language has neither.
const REFERENCE: usize = 38;
const ARROW: usize = 46;
const ANGLE: usize = 60;

/// Whether all bounds are kept. If not, reports the first token past one.
pub(super) fn check(tokens: TokenStream, errors: &mut Diagnostics) -> bool {
    match walk(tokens, 0, 0, false) {
        Ok(()) => true,
        Err(error) => {
            errors.push(error);
            false
        }
    }
}

/// Checks one level and then its groups. `base` is the stack used on the way here, `types` says that
/// the way leads through a type.
fn walk(tokens: TokenStream, depth: usize, base: usize, types: bool) -> Result<(), Diagnostic> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut run = Run { types, ..Run::default() };
    let mut groups: Vec<(&Group, Price)> = Vec::new();
    let mut previous: Option<&TokenTree> = None;
    for (at, token) in tokens.iter().enumerate() {
        let restart = previous.is_some_and(|previous| ends_before(previous, token));
        if restart || is_punct(token, ';') || is_punct(token, ',') {
            enter(&mut groups, depth, base + run.total())?;
            run = if is_punct(token, ',') { run.after_comma() } else { Run { types, ..Run::default() } };
        }
        run.add(token, previous, tokens.get(at + 1), base)?;
        if let TokenTree::Group(group) = token {
            groups.push((group, price(group, previous, run.types)));
        }
        previous = Some(token);
    }
    enter(&mut groups, depth, base + run.total())
}

/// What a group costs, and whether it is part of a type.
type Price = (usize, bool);

fn price(group: &Group, previous: Option<&TokenTree>, types: bool) -> Price {
    let price = match group.delimiter() {
        Delimiter::Brace => BRACES,
        // Several indices become a tuple: one more group.
        Delimiter::Bracket if previous.is_some_and(is_operand) => 2 * GROUP,
        _ if types => TYPE_GROUP,
        _ => GROUP,
    };
    (price, types)
}

fn enter(groups: &mut Vec<(&Group, Price)>, depth: usize, base: usize) -> Result<(), Diagnostic> {
    for (group, (price, types)) in groups.drain(..) {
        if depth == NESTING {
            let error = Diagnostic::new(group.span_open(), format!("nested deeper than {NESTING} levels"));
            return Err(error.help("give an inner part a name: `let part = …;`"));
        }
        afford(base + price, group.span_open())?;
        walk(group.stream(), depth + 1, base + price, types)?;
    }
    Ok(())
}

fn afford(stack: usize, span: Span) -> Result<(), Diagnostic> {
    if stack <= STACK {
        return Ok(());
    }
    Err(Diagnostic::new(span, "too much is nested in one expression").help("give a part a name: `let part = …;`"))
}

/// Whether an operand after braces shows that a statement has ended: nothing continues an expression so.
fn ends_before(braces: &TokenTree, next: &TokenTree) -> bool {
    let operand = match next {
        TokenTree::Ident(_) => !["as", "else", "if", "in", "where"].iter().any(|word| is_word(next, word)),
        TokenTree::Literal(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == '#',
        TokenTree::Group(_) => false,
    };
    operand && super::tokens::is_group(braces, Delimiter::Brace)
}

/// Parentheses and brackets.
fn is_postfix(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() != Delimiter::Brace)
}

/// What stands between two `;`.
#[derive(Default)]
struct Run {
    /// Price of what a `,` ends.
    until_comma: usize,
    /// Price of closures' parameters and types' arguments, which a `,` does not end.
    until_semicolon: usize,
    /// Unclosed `<`, and the most that there were.
    angles: usize,
    most_angles: usize,
    prefixes: usize,
    operators: usize,
    methods: usize,
    /// The second character of an operator comes next.
    second: bool,
    /// A `:`, `->` or `as` came: groups may be types.
    types: bool,
}

impl Run {
    fn total(&self) -> usize {
        self.until_comma + self.until_semicolon + self.most_angles * ANGLE
    }

    fn after_comma(self) -> Self {
        Self { until_comma: 0, prefixes: 0, operators: 0, methods: 0, second: false, ..self }
    }

    /// Counts one token.
    fn add(
        &mut self,
        token: &TokenTree,
        previous: Option<&TokenTree>,
        next: Option<&TokenTree>,
        base: usize,
    ) -> Result<(), Diagnostic> {
        match token {
            TokenTree::Group(group) => {
                self.prefixes = 0;
                // `x[0][1]`, `f()()`
                if previous.is_some_and(is_postfix) && group.delimiter() != Delimiter::Brace {
                    self.method(group.span_open())?;
                }
            }
            TokenTree::Literal(_) => self.prefixes = 0,
            TokenTree::Ident(word) => {
                if is_operand(token) {
                    self.prefixes = 0;
                } else if is_keyword(&word.to_string()) {
                    self.until_comma += KEYWORD;
                    self.types |= word == "as";
                }
            }
            TokenTree::Punct(punct) => {
                let char = punct.as_char();
                let joint = match next {
                    Some(TokenTree::Punct(next)) if punct.spacing() == Spacing::Joint => Some(next.as_char()),
                    _ => None,
                };
                if self.second {
                    self.second = false;
                } else if previous.is_some_and(is_operand) {
                    self.binary(char, joint, punct.span())?;
                } else {
                    self.prefix(char, joint, punct.span())?;
                }
            }
        }
        afford(base + self.total(), token.span())
    }

    /// An operator after an operand.
    fn binary(&mut self, char: char, joint: Option<char>, span: Span) -> Result<(), Diagnostic> {
        self.prefixes = 0;
        match (char, joint) {
            ('.', joint) if joint != Some('.') => return self.method(span),
            (';' | ',', _) => {}
            (':', Some(':')) | ('=', Some('>')) => self.link(),
            (':', _) => self.types = true,
            ('-', Some('>')) => self.arrow(),
            ('=', joint) if joint != Some('=') => self.assignment(),
            ('|', joint) if joint != Some('|') => self.until_semicolon += RIGHT,
            ('<', joint) if joint != Some('=') => self.open(),
            ('>', joint) if joint != Some('=') => self.close(),
            (char, joint) => {
                self.second = matches!(
                    (char, joint),
                    ('=' | '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '^', Some('='))
                        | ('&', Some('&' | '='))
                        | ('|', Some('|'))
                        | ('.', Some('.'))
                );
                self.link();
                self.operators += 1;
                return within(self.operators, OPERATORS, span, "operators in one expression");
            }
        }
        Ok(())
    }

    /// A punctuation where an operand is expected.
    fn prefix(&mut self, char: char, joint: Option<char>, span: Span) -> Result<(), Diagnostic> {
        match (char, joint) {
            (';' | ',', _) => {}
            ('-', Some('>')) => self.arrow(),
            ('=', _) => self.assignment(),
            ('|', _) => self.until_semicolon += RIGHT,
            ('<', _) => self.open(),
            ('>', _) => self.close(),
            ('-' | '!' | '&' | '*', _) => {
                self.until_comma += if matches!(char, '&' | '*') { REFERENCE } else { CHAIN };
                self.prefixes += 1;
                return within(self.prefixes, PREFIXES, span, "prefix operators in a row");
            }
            ('.', _) => self.until_comma += RANGE,
            _ => self.link(),
        }
        Ok(())
    }

    /// A link of `x.f().g()`.
    fn method(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.methods += 1;
        self.link();
        within(self.methods, METHODS, span, "method calls in one chain")
    }

    fn link(&mut self) {
        self.until_comma += CHAIN;
    }

    fn assignment(&mut self) {
        self.until_comma += RIGHT;
        self.types &= self.angles > 0;
    }

    fn arrow(&mut self) {
        self.second = true;
        self.types = true;
        self.until_comma += ARROW;
    }

    fn open(&mut self) {
        self.angles += 1;
        self.most_angles = self.most_angles.max(self.angles);
        self.types = true;
    }

    fn close(&mut self) {
        self.angles = self.angles.saturating_sub(1);
    }
}

fn within(count: usize, bound: usize, span: Span, what: &str) -> Result<(), Diagnostic> {
    if count <= bound {
        return Ok(());
    }
    Err(Diagnostic::new(span, format!("more than {bound} {what}")).help("give a part a name: `let part = …;`"))
}
