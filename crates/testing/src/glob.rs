//! The patterns of `channels`: `*`, `?`, `[a-z]`, `[!abc]`, `{a,b}` and `\` before a character that is meant itself.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec;

/// How deep alternatives may be nested, which bounds recursion.
const DEPTH: usize = 100;

#[derive(Debug)]
pub(crate) struct Glob(Vec<Term>);

#[derive(Debug)]
enum Term {
    Text(char),
    /// Any characters.
    Any,
    /// Any one character.
    One,
    /// A character of a set, or one that is not in it.
    Set {
        not: bool,
        set: Set,
    },
    Alternatives(Vec<Vec<Term>>),
}

#[derive(Debug)]
enum Set {
    Range(char, char),
    Listed(Vec<char>),
}

impl Glob {
    /// Reads a pattern, unless it is malformed.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        // Centrifugo's reader takes NUL for the end, and the replacement character for broken UTF-8.
        let pattern = pattern.split('\0').next().unwrap_or_default();
        if pattern.contains('\u{FFFD}') {
            return None;
        }
        let mut pattern = pattern.chars().collect::<Vec<_>>().into_iter().peekable();
        Some(Self(terms(&mut pattern, 0)?))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        advance(&self.0, BTreeSet::from([0]), &text).contains(&text.len())
    }
}

type Characters = Peekable<vec::IntoIter<char>>;

/// Reads terms up to the end, or to what ends an alternative.
fn terms(pattern: &mut Characters, depth: usize) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    while let Some(&next) = pattern.peek() {
        if depth > 0 && matches!(next, ',' | '}') {
            break;
        }
        pattern.next();
        terms.push(match next {
            '*' => Term::Any,
            '?' => Term::One,
            '[' => set(pattern)?,
            '{' => Term::Alternatives(alternatives(pattern, depth + 1)?),
            '\\' => match pattern.next() {
                Some(escaped) => Term::Text(escaped),
                None => break,
            },
            character => Term::Text(character),
        });
    }
    Some(terms)
}

/// Reads what follows `{`. The last `}` may be missing.
fn alternatives(pattern: &mut Characters, depth: usize) -> Option<Vec<Vec<Term>>> {
    if depth > DEPTH {
        return None;
    }
    let mut alternatives = vec![terms(pattern, depth)?];
    while pattern.next() == Some(',') {
        alternatives.push(terms(pattern, depth)?);
    }
    Some(alternatives)
}

/// Reads what follows `[`: one range, or a list.
fn set(pattern: &mut Characters) -> Option<Term> {
    let not = pattern.next_if_eq(&'!').is_some();
    let first = pattern.next()?;
    let set = match pattern.next_if_eq(&'-') {
        Some(_) => Set::Range(first, pattern.next().filter(|last| *last >= first)?),
        None => Set::Listed(listed(first, pattern)?),
    };
    // A list has taken the end already.
    match set {
        Set::Range(..) => pattern.next_if_eq(&']').map(|_| Term::Set { not, set }),
        Set::Listed(_) => Some(Term::Set { not, set }),
    }
}

/// Reads a list with its `]`; it must not be empty.
fn listed(first: char, pattern: &mut Characters) -> Option<Vec<char>> {
    let mut list = Vec::new();
    let mut next = first;
    while next != ']' {
        let escaped = next == '\\';
        list.push(if escaped { pattern.next()? } else { next });
        next = pattern.next()?;
    }
    (!list.is_empty()).then_some(list)
}

/// Where in the text the terms may end that start at one of these places.
fn advance(terms: &[Term], starts: BTreeSet<usize>, text: &[char]) -> BTreeSet<usize> {
    terms.iter().fold(starts, |places, term| match term {
        Term::Any => places
            .first()
            .map_or_else(BTreeSet::new, |first| (*first..=text.len()).collect()),
        Term::Alternatives(alternatives) => alternatives
            .iter()
            .flat_map(|terms| advance(terms, places.clone(), text))
            .collect(),
        one => places
            .into_iter()
            .filter(|at| text.get(*at).is_some_and(|c| takes(one, *c)))
            .map(|at| at + 1)
            .collect(),
    })
}

fn takes(term: &Term, character: char) -> bool {
    match term {
        Term::Text(expected) => character == *expected,
        Term::Set {
            not,
            set: Set::Range(first, last),
        } => (*first..=*last).contains(&character) != *not,
        Term::Set {
            not,
            set: Set::Listed(list),
        } => list.contains(&character) != *not,
        Term::One => true,
        Term::Any | Term::Alternatives(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::parse(pattern).expect("a pattern").matches(text)
    }

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, fitting, other) in [
            ("chat:*", "chat:a:b", "news:a"),
            ("**", "", "\u{0}never"),
            ("?1", "é1", "1"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "bx"),
            ("[abc-]", "-", "d"),
            ("[]-^]", "]", "a"),
            ("a{b,c{d,e}}f", "acef", "adf"),
            ("a{b,c", "ac", "a"),
            ("a{,b}", "a", "ac"),
            (r"\*\{[\]]", "*{]", "a{]"),
            ("a,b}", "a,b}", "a"),
            ("a\\", "a", "a\\"),
        ] {
            assert!(matches(pattern, fitting), "{pattern} {fitting}");
            if other != "\u{0}never" {
                assert!(!matches(pattern, other), "{pattern} {other}");
            }
        }
    }

    #[test]
    fn malformed_patterns_are_none() {
        for pattern in [
            "[",
            "[]",
            "[!]",
            "[a",
            "[b-a]",
            "[a-z0-9]",
            "[a-",
            "\u{FFFD}",
            &"{".repeat(1000),
        ] {
            assert!(Glob::parse(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_soon_done() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
    }
}
