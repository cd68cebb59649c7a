//! Methods that are one intrinsic on every instruction set of x86-64, and others whose bodies are expressions.

/// Evaluates intrinsics that touch no memory, in a method of an instruction set's token.
macro_rules! intrinsic {
    ($body:expr) => {
        // SAFETY: the token exists only where the instructions do.
        unsafe { $body }
    };
}

/// Methods of two operands.
macro_rules! binary {
    ($($function:ident: $vector:ident = $intrinsic:ident;)*) => {$(
        #[inline(always)]
        fn $function(self, a: Self::$vector, b: Self::$vector) -> Self::$vector {
            intrinsic!($intrinsic(a, b))
        }
    )*};
}

/// Methods whose bodies are expressions.
macro_rules! elementary {
    ($($function:ident($($arg:ident),+) => |$isa:ident| $body:expr;)*) => {$(
        #[inline(always)]
        fn $function(self, $($arg: Self::V),+) -> Self::V {
            let $isa = self;
            $body
        }
    )*};
}

/// What differs between instruction sets and element types only in the intrinsics' names. `fold!(isa.op, float, a)`
/// is the caller's: all lanes of a vector in one.
macro_rules! arithmetic {
    ($isa:ident, $float:ident: $splat:ident $load:ident $store:ident
     $add:ident $sub:ident $mul:ident $div:ident $fmadd:ident $xor:ident $sqrt:ident) => {
        #[inline(always)]
        fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
            $isa::vectorize(self, f)
        }

        #[inline(always)]
        fn splat(self, x: $float) -> Self::V {
            intrinsic!($splat(x))
        }

        #[inline(always)]
        unsafe fn load(self, p: *const $float) -> Self::V {
            // SAFETY: the caller promises `LANES` readable elements; no alignment is asked for.
            unsafe { $load(p) }
        }

        #[inline(always)]
        unsafe fn store(self, p: *mut $float, v: Self::V) {
            // SAFETY: the caller promises `LANES` writable elements; no alignment is asked for.
            unsafe { $store(p, v) }
        }

        binary! {
            add: V = $add;
            sub: V = $sub;
            mul: V = $mul;
            div: V = $div;
        }

        #[inline(always)]
        fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            intrinsic!($fmadd(a, b, c))
        }

        #[inline(always)]
        fn neg(self, a: Self::V) -> Self::V {
            intrinsic!($xor($splat(-0.0), a))
        }

        #[inline(always)]
        fn sqrt(self, a: Self::V) -> Self::V {
            intrinsic!($sqrt(a))
        }

        #[inline(always)]
        fn sum(self, a: Self::V) -> $float {
            fold!(self.add, $float, a)
        }

        #[inline(always)]
        fn product(self, a: Self::V) -> $float {
            fold!(self.mul, $float, a)
        }

        #[inline(always)]
        fn max_lane(self, a: Self::V) -> $float {
            fold!(self.max, $float, a)
        }

        #[inline(always)]
        fn min_lane(self, a: Self::V) -> $float {
            fold!(self.min, $float, a)
        }
    };
}

pub(super) use {arithmetic, binary, elementary, intrinsic};
