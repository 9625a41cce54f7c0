//! The page that the browser shows: it loads nothing from elsewhere.

/// The content of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// Whether all is well.
    pub(crate) good: bool,
    /// The heading.
    pub(crate) title: &'a str,
    /// What to do next.
    pub(crate) text: &'a str,
    /// Text from elsewhere, which is escaped.
    pub(crate) detail: Option<&'a str>,
}

/// The Content-Security-Policy of every page: its own styles, nothing else.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Page<'_> {
    /// Returns the page as HTML.
    pub(crate) fn html(&self) -> String {
        let detail = self
            .detail
            .map(|text| format!("<p class=\"detail\">{}</p>", escape(text)))
            .unwrap_or_default();
        include_str!("page.html")
            .replace("{{mark}}", if self.good { "✓" } else { "!" })
            .replace("{{class}}", if self.good { "good" } else { "bad" })
            .replace("{{title}}", &escape(self.title))
            .replace("{{text}}", &escape(self.text))
            .replace("{{detail}}", &detail)
    }
}

fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '{' => out.push_str("&#123;"), // so that text from elsewhere can't name a placeholder of the template
                c => out.push(c),
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_elsewhere_are_escaped() {
        let page = Page {
            good: false,
            title: "No",
            text: "x",
            detail: Some("<script>alert('{{title}}')</script>"),
        };
        assert!(
            page.html()
                .contains("&lt;script&gt;alert(&#39;&#123;&#123;title}}&#39;)")
        );
        assert!(!page.html().contains("<script"));
    }
}
