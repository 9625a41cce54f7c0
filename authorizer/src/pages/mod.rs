//! What the browser shows at the end: one page without anything from elsewhere.

/// What a page says.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Good or bad news.
    pub good: bool,
    /// The headline.
    pub title: &'a str,
    /// What to do next.
    pub text: &'a str,
    /// Words from elsewhere, escaped before they are shown.
    pub detail: Option<&'a str>,
}

/// The policy that goes with every page: styles of its own, nothing else at all.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
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
                '{' => out.push_str("&#123;"), // so that text from elsewhere can't name a place of the template
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
