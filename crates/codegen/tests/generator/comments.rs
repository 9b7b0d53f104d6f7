//! Comments of the schema become harmless documentation.

use pulldown_cmark::{BrokenLink, Event, Options, Parser, Tag};

use super::{Generated, Tested, WHOLE, core_with, generate};

/// Returns the documentation in generated code, one text per item.
fn docs(code: &str) -> Result<Vec<String>, syn::Error> {
    syn::parse_file(code)?;
    let other_form =
        |line: &str| line.trim_start().starts_with("#[doc") || line.trim_start().starts_with("/*");
    assert!(
        !code.lines().any(other_form),
        "documentation in a form that this test does not read"
    );
    let mut docs = vec![String::new()];
    for line in code.lines() {
        match (line.trim_start().strip_prefix("///"), docs.last_mut()) {
            (Some(text), Some(doc)) => doc.extend([text.strip_prefix(' ').unwrap_or(text), "\n"]),
            _ => docs.push(String::new()),
        }
    }
    docs.retain(|doc| !doc.is_empty());
    Ok(docs)
}

/// Returns everything that rustdoc would take for a test, a link or HTML, as found by the parser
/// that rustdoc uses.
fn hazards(doc: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut note = |link: BrokenLink<'_>| {
        broken.push(format!("link to {}", link.reference));
        None
    };
    let mut hazards = Vec::new();
    for event in Parser::new_with_broken_link_callback(doc, Options::all(), Some(&mut note)) {
        match event {
            Event::Start(
                tag @ (Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Link { .. } | Tag::Image { .. }),
            ) => {
                hazards.push(format!("{tag:?}"));
            }
            Event::Html(html) | Event::InlineHtml(html) => hazards.push(html.to_string()),
            Event::Text(text) if text.contains("://") => hazards.push(format!("URL in {text}")),
            _ => {}
        }
    }
    hazards.extend(broken);
    hazards
}

/// Returns the documentation that came from the schema's comments, after checking that it is
/// harmless.
fn safe_docs(generated: &Generated) -> Result<Vec<String>, syn::Error> {
    let mut safe = Vec::new();
    // The JSON code has no comments.
    for code in [&generated.messages, &generated.client] {
        for doc in docs(code)? {
            // The generator's own documentation.
            if doc.starts_with("Sets ") {
                continue;
            }
            assert_eq!(hazards(&doc), [] as [&str; 0], "{doc}");
            safe.push(doc);
        }
    }
    Ok(safe)
}

/// Generates with a comment at a field, an rpc and an enum's value, and returns the documentation.
fn documentation_from(comment: &str) -> Result<String, Box<dyn std::error::Error>> {
    let schema = core_with("string channel", &format!("\n{comment}\nstring channel"));
    let schema = schema.replace("  rpc Publish(", &format!("\n{comment}\nrpc Publish("));
    let schema = format!("{schema}\nenum Level {{\n{comment}\nLOW = 0;\n}}");
    let docs = safe_docs(&generate(&schema)?)?;
    let marked: Vec<_> = docs
        .into_iter()
        .filter(|doc| doc.contains("MARK"))
        .collect();
    assert_eq!(marked.len(), 3, "{comment} became {marked:?}");
    assert!(marked.iter().all(|doc| *doc == marked[0]), "{marked:?}");
    Ok(marked[0].clone())
}

#[test]
fn comments_of_whole_schemas_are_harmless() -> Tested {
    for (_, generated) in WHOLE.iter() {
        safe_docs(generated)?;
    }
    Ok(())
}

#[test]
fn text_is_kept_and_markup_is_shown() -> Tested {
    for (comment, doc) in [
        (
            "// MARK plain, with `code` and *stress*.",
            "MARK plain, with `code` and *stress*.\n",
        ),
        (
            "// MARK\n//\n// - one\n//   more\n// - two",
            "MARK\n\n- one\nmore\n- two\n",
        ),
        (
            "// MARK ```\n// let a = 1;\n// ```",
            "MARK \\`\nlet a = 1;\n",
        ),
        ("// ```rust\n// MARK\n// ```", "\nMARK\n"),
        ("//     MARK();", "MARK();\n"),
        (
            "// MARK <b> Vec<T> [link](x) a[0]",
            "MARK \\<b\\> Vec\\<T\\> \\[link\\](x) a\\[0\\]\n",
        ),
        (
            "// MARK `<b>` `a[0]` ``a`` one ` more",
            "MARK \\`\\<b\\>\\` \\`a\\[0\\]\\` \\`a\\` one \\` more\n",
        ),
        ("// MARK `<b>` `a[0]`", "MARK `<b>` a\\[0\\]\n"),
        (
            "// MARK https://x.dev/<id>.",
            "MARK https:\\//x.dev/\\<id\\>.\n",
        ),
        ("/* MARK\n * star\n */", "MARK\nstar\n"),
        ("/** MARK */", "* MARK\n"),
        ("// MARK */ /* \\", "MARK */ /* \\\\\n"),
    ] {
        assert_eq!(documentation_from(comment)?, doc, "{comment}");
    }
    Ok(())
}

#[test]
fn nothing_becomes_test_or_link_or_html() -> Tested {
    for comment in [
        "// MARK\n//\n//     code();\n//\n//\tcode();",
        "// MARK\n//\n// 1.      code();\n// -      code();",
        "// MARK\n//\n// - ~~~\n//   code();\n// - ````\n//   code();\n// > ```\n// > code();",
        "// MARK\n// ~~~~~ rust\n// code();\n// ```````\n// code();",
        "// MARK ``` a ``` ```` b ```` `` ` `` \\` <b> \\` \\[x] \\\\[x]",
        "// MARK \\` <b> \\`",
        "// MARK `one\n// <two>` [three\n// four]",
        "// MARK\n//\n// [name]: https://x.dev\n// [name] [^1] - [ ] ![image](x.png) [`code`] [crate::nothing]",
        "// MARK\n// <details>\n// <!-- never closed\n// <https://x.dev> <a@b.c> http://x.dev/`a`<i> `https://x.dev/[1]`",
        "// MARK\r// bare \u{202e}carriage\u{2066} return\u{0c}\u{0b}",
        "/* MARK\n\n\n      code();\n\n      ```\n      code();\n*/",
        "/// MARK\n//// <b>\n//! [x]",
    ] {
        documentation_from(comment).map_err(|error| format!("{comment}: {error}"))?;
    }
    Ok(())
}

#[test]
fn very_long_line_is_kept() -> Tested {
    let long = "word <b> ".repeat(1_000);
    assert_eq!(
        documentation_from(&format!("// MARK {long}"))?.len(),
        "MARK \n".len() + "word \\<b\\> ".len() * 1_000 - 1
    );
    Ok(())
}
