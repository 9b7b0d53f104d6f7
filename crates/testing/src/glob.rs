//! The patterns of the method `channels`: `*`, `?`, `[a-z]`, `[!abc]` and `{a,b}`. A `\` escapes
//! the character after it.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec;

/// The nesting limit of alternatives, which bounds the recursion.
const MAX_DEPTH: usize = 100;

/// A pattern for channel names.
#[derive(Debug)]
pub(crate) struct Glob(Vec<Term>);

#[derive(Debug)]
enum Term {
    /// This character.
    Literal(char),
    /// Any number of characters.
    AnyText,
    /// Any single character.
    AnyCharacter,
    /// A character in the set, or not in it if `negated`.
    Set {
        negated: bool,
        set: Set,
    },
    Alternatives(Vec<Vec<Term>>),
}

#[derive(Debug)]
enum Set {
    Range(char, char),
    List(Vec<char>),
}

impl Glob {
    /// Reads a pattern; returns `None` if it is malformed.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        // As in Centrifugo, NUL ends the pattern, and the replacement character counts as broken
        // UTF-8.
        let used = pattern.split('\0').next().unwrap_or_default();
        if used.contains('\u{FFFD}') {
            return None;
        }
        let characters: Vec<char> = used.chars().collect();
        let mut unread = characters.into_iter().peekable();
        Some(Self(terms(&mut unread, 0)?))
    }

    /// Checks whether the pattern matches the whole text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let start = BTreeSet::from([0]);
        match_ends(&self.0, start, &characters).contains(&characters.len())
    }
}

/// The part of a pattern that is still to be read.
type Characters = Peekable<vec::IntoIter<char>>;

/// Reads terms up to the end of the pattern or, within alternatives, up to `,` or `}`.
fn terms(pattern: &mut Characters, depth: usize) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    while let Some(&next) = pattern.peek() {
        if depth > 0 && matches!(next, ',' | '}') {
            break;
        }
        pattern.next();
        terms.push(match next {
            '*' => Term::AnyText,
            '?' => Term::AnyCharacter,
            '[' => set(pattern)?,
            '{' => Term::Alternatives(alternatives(pattern, depth + 1)?),
            '\\' => match pattern.next() {
                Some(escaped) => Term::Literal(escaped),
                None => break,
            },
            character => Term::Literal(character),
        });
    }
    Some(terms)
}

/// Reads the alternatives after `{`. The last `}` may be missing.
fn alternatives(pattern: &mut Characters, depth: usize) -> Option<Vec<Vec<Term>>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut alternatives = vec![terms(pattern, depth)?];
    while pattern.next() == Some(',') {
        alternatives.push(terms(pattern, depth)?);
    }
    Some(alternatives)
}

/// Reads the set after `[`, which is one range or a list.
fn set(pattern: &mut Characters) -> Option<Term> {
    let negated = pattern.next_if_eq(&'!').is_some();
    let first = pattern.next()?;
    let set = if pattern.next_if_eq(&'-').is_some() {
        let last = pattern.next().filter(|last| *last >= first)?;
        pattern.next_if_eq(&']')?;
        Set::Range(first, last)
    } else {
        Set::List(list(first, pattern)?)
    };
    Some(Term::Set { negated, set })
}

/// Reads a list up to its `]`; returns `None` for an empty list.
fn list(first: char, pattern: &mut Characters) -> Option<Vec<char>> {
    let mut list = Vec::new();
    let mut next = first;
    while next != ']' {
        let listed = if next == '\\' { pattern.next()? } else { next };
        list.push(listed);
        next = pattern.next()?;
    }
    (!list.is_empty()).then_some(list)
}

/// Returns all positions at which a match of the terms can end if it starts at one of `starts`.
///
/// Keeping sets of positions, instead of backtracking, bounds the time for patterns with many
/// stars.
fn match_ends(terms: &[Term], starts: BTreeSet<usize>, text: &[char]) -> BTreeSet<usize> {
    terms.iter().fold(starts, |positions, term| match term {
        Term::AnyText => match positions.first() {
            Some(first) => (*first..=text.len()).collect(),
            None => BTreeSet::new(),
        },
        Term::Alternatives(alternatives) => alternatives
            .iter()
            .flat_map(|terms| match_ends(terms, positions.clone(), text))
            .collect(),
        single => positions
            .into_iter()
            .filter(|at| text.get(*at).is_some_and(|c| matches_character(single, *c)))
            .map(|at| at + 1)
            .collect(),
    })
}

/// Checks whether a term for a single character matches it.
fn matches_character(term: &Term, character: char) -> bool {
    match term {
        Term::Literal(expected) => character == *expected,
        Term::Set {
            negated,
            set: Set::Range(first, last),
        } => (*first..=*last).contains(&character) != *negated,
        Term::Set {
            negated,
            set: Set::List(list),
        } => list.contains(&character) != *negated,
        Term::AnyCharacter => true,
        Term::AnyText | Term::Alternatives(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::parse(pattern).expect("a valid pattern").matches(text)
    }

    #[test]
    fn patterns_match_their_texts() {
        for (pattern, matching, other) in [
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
            assert!(matches(pattern, matching), "{pattern} {matching}");
            if other != "\u{0}never" {
                assert!(!matches(pattern, other), "{pattern} {other}");
            }
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
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
    fn many_stars_are_matched_quickly() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
    }
}
