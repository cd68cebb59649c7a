//! What can be told of the generated type's interface from the bare tokens, however broken they are:
//! enough for the user's other code to compile, so that it raises no errors of its own.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::header;
use super::tokens::{is_group, is_punct, is_word};

/// The generated type's interface as far as tokens show it.
#[derive(Clone, Debug)]
pub struct Skeleton {
    /// `pub`, `pub(crate)` or nothing.
    pub visibility: TokenStream,
    /// The type's name.
    pub name: Ident,
    /// `dtype = f64`
    pub double: bool,
    /// How many inputs a prediction takes: `input`, `tokens`.
    pub data: usize,
    /// How many more a training step takes: `class`, `target` and so on.
    pub labels: usize,
    /// Whether there is a `loss`.
    pub trains: bool,
    /// The names of several outputs; none if there is one.
    pub outputs: Vec<Ident>,
    /// `method(name, from = …)`: how many values it takes.
    pub methods: Vec<(Ident, usize)>,
    /// `explain(kind, …)`: the method's name, and whether it takes a class beside what a prediction takes.
    pub explanations: Vec<(Ident, bool)>,
}

/// Reads no deeper than the arguments of the body's own calls, and reports nothing.
pub fn skeleton(tokens: TokenStream) -> Option<Skeleton> {
    let (visibility, name, rest) = header::type_name(tokens)?;
    let mut skeleton = Skeleton {
        visibility,
        name,
        double: rest.windows(3).any(|key| is_word(&key[0], "dtype") && is_word(&key[2], "f64")),
        data: 0,
        labels: 0,
        trains: false,
        outputs: Vec::new(),
        methods: Vec::new(),
        explanations: Vec::new(),
    };
    let body = rest.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let body: Vec<TokenTree> = body.unwrap_or_default().into_iter().collect();
    let mut before = None;
    for pair in body.windows(2) {
        if let [TokenTree::Ident(callee), TokenTree::Group(arguments)] = pair
            && arguments.delimiter() == Delimiter::Parenthesis
            && !before.is_some_and(|before| is_punct(before, '.') || is_word(before, "fn"))
        {
            skeleton.call(&callee.to_string(), arguments);
        }
        before = pair.first();
    }
    Some(skeleton)
}

impl Skeleton {
    fn call(&mut self, callee: &str, arguments: &Group) {
        match callee {
            "input" | "tokens" => self.data += 1,
            "class" | "classes" | "target" | "weight" => self.labels += 1,
            "loss" => self.trains = true,
            "output" => {
                let names: Vec<Ident> = each(arguments.stream()).filter_map(|name| single(&name)).collect();
                if names.len() > 1 {
                    self.outputs = names;
                }
            }
            "explain" => {
                let arguments: Vec<Vec<TokenTree>> = each(arguments.stream()).collect();
                let Some(kind) = arguments.first().and_then(|kind| single(kind)) else { return };
                let name = keyword(&arguments, "name").and_then(|name| match name {
                    TokenTree::Literal(text) => syn::parse_str(text.to_string().trim_matches('"')).ok(),
                    name => single(std::slice::from_ref(name)),
                });
                let class = keyword(&arguments, "class").and_then(|class| single(std::slice::from_ref(class)));
                self.explanations.push((name.unwrap_or(kind), class.is_some()));
            }
            "method" => {
                let arguments: Vec<Vec<TokenTree>> = each(arguments.stream()).collect();
                let Some(name) = arguments.first().and_then(|name| single(name)) else { return };
                let count = match keyword(&arguments, "from") {
                    Some(TokenTree::Group(tuple)) => each(tuple.stream()).count(),
                    _ => 1,
                };
                self.methods.push((name, count));
            }
            _ => {}
        }
    }
}

/// The parts between commas.
fn each(tokens: TokenStream) -> impl Iterator<Item = Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let parts: Vec<Vec<TokenTree>> = tokens.split(|token| is_punct(token, ',')).map(<[_]>::to_vec).collect();
    parts.into_iter().filter(|part| !part.is_empty())
}

/// The last token of `name = …`.
fn keyword<'a>(arguments: &'a [Vec<TokenTree>], name: &str) -> Option<&'a TokenTree> {
    let found = arguments.iter().find(|argument| argument.first().is_some_and(|key| is_word(key, name)));
    found.and_then(|argument| argument.last())
}

/// The name that tokens consist of.
fn single(tokens: &[TokenTree]) -> Option<Ident> {
    match tokens {
        [TokenTree::Ident(name)] => Some(name.clone()),
        [group] if is_group(group, Delimiter::None) => match group {
            TokenTree::Group(group) => match group.stream().into_iter().next() {
                Some(TokenTree::Ident(name)) => Some(name),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
