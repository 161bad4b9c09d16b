//! The functions of the expression language: one table for the checker, the compiler and the docs.

/// A function that expressions may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, in lower case.
    pub name: &'static str,
    /// How many arguments it takes at least.
    pub min_arguments: usize,
    /// How many arguments it takes at most; any number when absent.
    pub max_arguments: Option<usize>,
    /// What it gives.
    pub doc: &'static str,
}

/// All functions, in the order in which they are documented. (`if` is read as a `case`.)
pub const FUNCTIONS: [Function; 26] = [
    fixed("abs", 1, "the size of a number without its sign"),
    fixed("sign", 1, "-1, 0 or 1"),
    fixed("sqrt", 1, "the square root"),
    fixed("exp", 1, "e to the power of a number"),
    fixed("ln", 1, "the natural logarithm"),
    fixed("log10", 1, "the logarithm to base 10"),
    fixed("log2", 1, "the logarithm to base 2"),
    fixed("pow", 2, "`pow(x, y)`: x to the power of y"),
    fixed("floor", 1, "the greatest whole number that is not greater"),
    fixed("ceil", 1, "the smallest whole number that is not smaller"),
    fixed(
        "round",
        1,
        "the nearest whole number; halves go to the even one",
    ),
    fixed("sin", 1, "the sine of an angle in radians"),
    fixed("cos", 1, "the cosine of an angle in radians"),
    fixed("tan", 1, "the tangent of an angle in radians"),
    fixed("asin", 1, "the angle in radians that has this sine"),
    fixed("acos", 1, "the angle in radians that has this cosine"),
    fixed("atan", 1, "the angle in radians that has this tangent"),
    fixed("tanh", 1, "the hyperbolic tangent"),
    fixed("pi", 0, "3.14159…"),
    fixed(
        "clip",
        3,
        "`clip(x, low, high)`: x, moved between the bounds",
    ),
    at_least("min", 2, "the smallest of its arguments"),
    at_least("max", 2, "the greatest of its arguments"),
    at_least("least", 2, "the same as `min`"),
    at_least("greatest", 2, "the same as `max`"),
    at_least("coalesce", 1, "the first argument that is not null"),
    fixed(
        "if",
        3,
        "`if(condition, a, b)`: the same as `case when condition then a else b end`",
    ),
];

impl Function {
    /// The function of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Whether it can be called with so many arguments.
    #[must_use]
    pub fn takes(&self, n_arguments: usize) -> bool {
        n_arguments >= self.min_arguments
            && self.max_arguments.is_none_or(|most| n_arguments <= most)
    }
}

const fn fixed(name: &'static str, n_arguments: usize, doc: &'static str) -> Function {
    Function {
        name,
        min_arguments: n_arguments,
        max_arguments: Some(n_arguments),
        doc,
    }
}

const fn at_least(name: &'static str, min_arguments: usize, doc: &'static str) -> Function {
    Function {
        name,
        min_arguments,
        max_arguments: None,
        doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_is_listed_once() {
        for function in &FUNCTIONS {
            assert_eq!(
                FUNCTIONS
                    .iter()
                    .filter(|other| other.name == function.name)
                    .count(),
                1
            );
        }
    }

    #[test]
    fn knows_how_many_arguments_suit() {
        let takes = |name, n_arguments| {
            Function::find(name).is_some_and(|function| function.takes(n_arguments))
        };
        assert!(takes("pi", 0) && !takes("pi", 1));
        assert!(takes("max", 5) && !takes("max", 1));
        assert!(!takes("median", 1));
    }
}
