//! What a user writes, with the span of every part. Nothing is resolved here.

use proc_macro2::{Ident, Span, TokenStream};

/// A whole `network! { … }`.
#[derive(Clone, Debug)]
pub struct NetworkDecl {
    /// Doc comments and other attributes.
    pub attributes: TokenStream,
    /// `pub`, `pub(crate)` or nothing.
    pub visibility: TokenStream,
    /// The type's name.
    pub name: Ident,
    /// `<batch = 128, time = 28, dtype = f64>`.
    pub header: Vec<(Ident, Expr)>,
    /// The statements.
    pub body: Vec<Stmt>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let mut name: Tensor<..> = value;`, also `let (a, b) = value;`. A name may be `_`.
    Let {
        /// One name, or those of a tuple.
        pattern: Vec<Ident>,
        /// `mut`
        mutable: bool,
        /// The checked shape.
        shape: Option<ShapeDecl>,
        /// After `=`.
        value: Expr,
    },
    /// `name = value;`
    Assign {
        /// Before `=`.
        name: Ident,
        /// After `=`.
        value: Expr,
    },
    /// `const NAME: usize = value;`
    Const {
        /// Its name.
        name: Ident,
        /// After `=`.
        value: Expr,
    },
    /// `fn name(a: Tensor, b: usize) -> Tensor { … }`
    Fn(FnDecl),
    /// `for i in from..to { … }`; `inclusive` for `..=`.
    For {
        /// The counter; `None` for `_`.
        variable: Option<Ident>,
        /// Its first value.
        from: Expr,
        /// Its end.
        to: Expr,
        /// Whether the end is a value of the counter.
        inclusive: bool,
        /// What is repeated.
        body: Vec<Stmt>,
        /// `for`
        span: Span,
    },
    /// An expression for its effect: `loss(…);`.
    Expr(Expr),
}

/// `Tensor<7, 7, {2 * H}>` with the span of the whole.
#[derive(Clone, Debug)]
pub struct ShapeDecl {
    /// Each axis.
    pub dims: Vec<Expr>,
    /// The annotation.
    pub span: Span,
}

/// A reusable block.
#[derive(Clone, Debug)]
pub struct FnDecl {
    /// Its name.
    pub name: Ident,
    /// Parameters with their declared kind.
    pub params: Vec<(Ident, FnParam)>,
    /// Statements before the result.
    pub body: Vec<Stmt>,
    /// The final expression.
    pub result: Box<Expr>,
}

/// The declared type of a block's parameter.
#[derive(Clone, Debug)]
pub enum FnParam {
    /// `Tensor` or `Tensor<..>`.
    Tensor(Option<ShapeDecl>),
    /// `usize`.
    Integer,
    /// `f32` or `f64`.
    Float,
    /// `bool`.
    Bool,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its tokens, joined; the first token where joining is impossible.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `28`
    Int(u64),
    /// `0.5`
    Float(f64),
    /// `true`
    Bool(bool),
    /// `"64 MiB"`
    Str(String),
    /// `hidden`
    Name(Ident),
    /// `f(a, k = v)`
    Call {
        /// The function.
        callee: Ident,
        /// Positional arguments.
        args: Vec<Expr>,
        /// Keyword arguments, no two alike.
        named: Vec<(Ident, Expr)>,
    },
    /// `x.f(a, k = v)`, the same as `f(x, a, k = v)`.
    Method {
        /// The first argument.
        receiver: Box<Expr>,
        /// The function.
        method: Ident,
        /// Further positional arguments.
        args: Vec<Expr>,
        /// Keyword arguments, no two alike.
        named: Vec<(Ident, Expr)>,
    },
    /// `-x`
    Neg(Box<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `a + b`; `op_span` is the operator's.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Its tokens.
        op_span: Span,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `x[i]`, `x[1..3, ..]`
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// One for each of the first axes.
        indices: Vec<Expr>,
    },
    /// `a..b`, either end may be missing.
    Range {
        /// The first.
        from: Option<Box<Expr>>,
        /// The end.
        to: Option<Box<Expr>>,
        /// `..=`
        inclusive: bool,
    },
    /// `|x_t, h| { … }`
    Closure {
        /// What stands between the bars: each one name, or those of a tuple. `_` for what is not used.
        params: Vec<Vec<Ident>>,
        /// Statements before the result.
        body: Vec<Stmt>,
        /// Its value.
        result: Box<Expr>,
    },
    /// Broken and reported already: whatever is made of it stays silent.
    Invalid,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`, integers only.
    Rem,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `&&`
    And,
    /// `||`
    Or,
}
