//! From Go's regular expressions, in which rclone's patterns are written, to the `regex` crate's.
//!
//! Both come from RE2 and mean nearly the same; what differs is rewritten here:
//!
//! | Go | here |
//! |---|---|
//! | `\d \s \w \b` are ASCII only | classes and flags for ASCII |
//! | `[` , `&&`, `--`, `~~` in a class are characters | classes are written in code points |
//! | `a{` and `{,2}` are plain text | escaped |
//! | `\Q..\E`, octal `\012`, `\p{^L}` | spelled out |
//! | `\<` and `\>` are plain text | escaped |
//!
//! Not translated: `\B` follows Unicode's idea of a word here.

use std::{fmt::Write, iter::Peekable, str::Chars};

use regex::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes: `[^/]{1000}` needs about 1 MiB.
const MAX_COMPILED_BYTES: usize = 64 << 20;
/// What Go allows as a count of repetitions.
const MAX_REPEAT: u32 = 1000;

/// Compiles an expression in Go's syntax.
///
/// # Errors
/// What is wrong, in a few words.
pub(super) fn compile(go: &str) -> Result<Regex, String> {
    let ours = translate(go)?;
    RegexBuilder::new(&ours)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The last line has the reason; those before show the translated expression, which the user didn't write.
            error => last_line(&error.to_string()),
        })
}

fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn translate(go: &str) -> Result<String, String> {
    let mut translator = Translator {
        rest: go.chars().peekable(),
        out: String::with_capacity(go.len() * 2),
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        // Go refuses a repetition of a repetition, which is more likely a slip than meant.
        let mut repeated = false;
        while let Some(c) = self.rest.next() {
            let repeats = match c {
                '*' | '+' | '?' => {
                    self.out.push(c);
                    true
                }
                '{' => self.braces()?,
                _ => false,
            };
            if repeats {
                if repeated {
                    return Err(format!("'{c}' repeats what is repeated already"));
                }
                if self.rest.next_if_eq(&'?').is_some() {
                    self.out.push('?');
                }
            } else {
                match c {
                    '{' => {}
                    '\\' => self.escape()?,
                    '[' => self.class()?,
                    '(' => self.group()?,
                    '^' | '$' | '.' | '|' | ')' => self.out.push(c),
                    _ => literal(&mut self.out, c),
                }
            }
            repeated = repeats;
        }
        Ok(())
    }

    /// Parses a count such as `{2,3}`, or a plain brace. Returns which it was.
    fn braces(&mut self) -> Result<bool, String> {
        let mut ahead = self.rest.clone();
        let inside: String = ahead.by_ref().take_while(|c| *c != '}').collect();
        let is_closed = self.rest.clone().any(|c| c == '}');
        let (low, high) = inside.split_once(',').unwrap_or((&inside, &inside));
        if !is_closed || !is_count(low) || !(high.is_empty() || is_count(high)) {
            self.out.push_str(r"\{");
            return Ok(false);
        }
        let number = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
        if number(low) > MAX_REPEAT || (!high.is_empty() && number(high) > MAX_REPEAT) {
            return Err(format!("{{{inside}}} repeats more than {MAX_REPEAT} times"));
        }
        let _ = write!(self.out, "{{{inside}}}"); // writing to a String cannot fail
        self.rest = ahead;
        Ok(true)
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        if matches!(self.rest.peek(), Some('P' | '<')) {
            return Ok(()); // a name, which both spell alike
        }
        while let Some(flag) = self.rest.next_if(|c| !matches!(c, ':' | ')')) {
            if !matches!(flag, 'i' | 'm' | 's' | 'U' | '-') {
                return Err(format!("(?{flag} is not known"));
            }
            self.out.push(flag);
        }
        Ok(())
    }

    /// Parses what follows a backslash, outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest.peek() {
            Some('Q') => {
                self.rest.next();
                self.quoted();
            }
            Some('A') => self.known(r"\A"),
            Some('z') => self.known(r"\z"),
            Some('b') => self.known(r"(?-u:\b)"),
            Some('B') => self.known(r"\B"),
            _ => match self.escaped()? {
                Escaped::Char(c) => literal(&mut self.out, c),
                Escaped::Class(class) => self.out.push_str(&class),
            },
        }
        Ok(())
    }

    fn known(&mut self, ours: &str) {
        self.rest.next();
        self.out.push_str(ours);
    }

    /// Everything up to `\E`, as it is.
    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            literal(&mut self.out, c);
        }
    }

    /// Parses what follows a backslash, in a class or outside.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let c = self.rest.next().ok_or("a backslash is at its end")?;
        let class = |text: &str| Ok(Escaped::Class(text.to_owned()));
        let char = |c: char| Ok(Escaped::Char(c));
        match c {
            'd' => class("[0-9]"),
            'D' => class("[^0-9]"),
            's' => class(r"[\t\n\f\r ]"),
            'S' => class(r"[^\t\n\f\r ]"),
            'w' => class("[0-9A-Za-z_]"),
            'W' => class("[^0-9A-Za-z_]"),
            'a' => char('\x07'),
            'f' => char('\x0c'),
            'n' => char('\n'),
            'r' => char('\r'),
            't' => char('\t'),
            'v' => char('\x0b'),
            'x' => self.hexadecimal().map(Escaped::Char),
            'p' | 'P' => self.property(c == 'P').map(Escaped::Class),
            '0'..='7' => self.octal(c).map(Escaped::Char),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => char(c),
            c => Err(format!("\\{c} is not known")),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, String> {
        let (digits, is_whole): (String, bool) = if self.rest.next_if_eq(&'{').is_some() {
            let digits = self.rest.by_ref().take_while(|c| *c != '}').collect();
            (digits, true)
        } else {
            let digits: String = self.rest.by_ref().take(2).collect();
            let is_whole = digits.len() == 2;
            (digits, is_whole)
        };
        let is_number = is_whole && digits.bytes().all(|b| b.is_ascii_hexdigit());
        u32::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| is_number)
            .and_then(char::from_u32)
            .ok_or(format!("\\x{digits} is no character"))
    }

    fn octal(&mut self, first: char) -> Result<char, String> {
        let mut digits = String::from(first);
        while digits.len() < 3
            && let Some(digit) = self.rest.next_if(|c| ('0'..='7').contains(c))
        {
            digits.push(digit);
        }
        if first != '0' && digits.len() == 1 {
            return Err(format!(
                "\\{first} would refer to a group, which is not supported"
            ));
        }
        u32::from_str_radix(&digits, 8)
            .ok()
            .and_then(char::from_u32)
            .ok_or(format!("\\{digits} is no character"))
    }

    /// `\pL`, `\p{Greek}`, `\p{^Greek}`.
    fn property(&mut self, negated: bool) -> Result<String, String> {
        let first = self.rest.next().ok_or("\\p needs a name")?;
        let name: String = if first == '{' {
            self.rest.by_ref().take_while(|c| *c != '}').collect()
        } else {
            first.into()
        };
        let (name, negated) = match name.strip_prefix('^') {
            Some(name) => (name, !negated),
            None => (name.as_str(), negated),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("\\p{{{name}}} is not known"));
        }
        Ok(format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' }))
    }

    /// A class; its `[` is read already.
    fn class(&mut self) -> Result<(), String> {
        let unclosed = || "a '[' is not closed".to_owned();
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = self.rest.next().ok_or_else(unclosed)?;
            if c == ']' && !is_first {
                break;
            }
            is_first = false;
            if c == '['
                && let Some(name) = self.posix_class()?
            {
                self.out.push_str(&name);
                continue;
            }
            let low = match self.class_char(c)? {
                Escaped::Char(low) => low,
                Escaped::Class(class) => {
                    self.out.push_str(&class);
                    continue;
                }
            };
            let high = self.range_end()?.unwrap_or(low);
            if low > high {
                return Err(format!("the range {low}-{high} runs backwards"));
            }
            // In code points, so that no character of a class can mean anything else.
            let _ = write!(
                self.out,
                r"\x{{{:x}}}-\x{{{:x}}}",
                u32::from(low),
                u32::from(high)
            );
        }
        self.out.push(']');
        Ok(())
    }

    fn class_char(&mut self, c: char) -> Result<Escaped, String> {
        if c == '\\' {
            self.escaped()
        } else {
            Ok(Escaped::Char(c))
        }
    }

    /// The end of a range, if one follows: in `a-]` the `-` is a character.
    fn range_end(&mut self) -> Result<Option<char>, String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
            return Ok(None);
        }
        self.rest.next();
        let c = self.rest.next().ok_or("a '[' is not closed")?;
        match self.class_char(c)? {
            Escaped::Char(high) => Ok(Some(high)),
            Escaped::Class(_) => Err("a range ends in a class".into()),
        }
    }

    /// `[:alpha:]`; its `[` is read already. `None` if it isn't one.
    fn posix_class(&mut self) -> Result<Option<String>, String> {
        let rest: String = self.rest.clone().collect();
        let Some((name, _)) = rest.strip_prefix(':').and_then(|r| r.split_once(":]")) else {
            return Ok(None);
        };
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        if !known.contains(&name.trim_start_matches('^')) {
            return Err(format!("[:{name}:] is not known"));
        }
        let length = name.chars().count() + ":".len() + ":]".len();
        self.rest.by_ref().take(length).for_each(drop);
        Ok(Some(format!("[:{name}:]")))
    }
}

/// The meaning of an escape.
enum Escaped {
    Char(char),
    /// Returns it in our syntax, valid in a class or alone.
    Class(String),
}

/// Go takes a number with a leading zero for plain text.
fn is_count(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn literal(out: &mut String, c: char) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_means_what_it_means_there() {
        for (go, text, matches) in [
            (r"^\d$", "٣", false),
            (r"^\D$", "٣", true),
            (r"^\w$", "é", false),
            (r"^[\W]$", "é", true),
            (r"^[^\W]$", "_", true),
            (r"^\s$", "\u{b}", false),
            (r"^\bé", "é", false),
            (r"^[a&&b]$", "&", true),
            (r"^[+--]$", ",", true),
            (r"^[a[b]c]$", "[c]", true),
            (r"^[]a]$", "]", true),
            (r"^[a-]$", "-", true),
            (r"^[[:alpha:]_]$", "x", true),
            (r"^[[:^alpha:]]$", "x", false),
            (r"^[\x41-\x{43}]$", "B", true),
            (r"^a{2}$", "aa", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^a{01}$", "a{01}", true),
            (r"^a{$", "a{", true),
            (r"^\Qa.b\E.$", "a.bc", true),
            (r"^\Qa.b", "axb", false),
            (r"^\x41\101\012$", "AA\n", true),
            (r"^\<\>$", "<>", true),
            (r"^\pL\p{Greek}\p{^Greek}\PL$", "aβb1", true),
            (r"^(?i)straße$", "STRAßE", true),
            (r"^(?P<a>x)(?<b>y)(?:z)$", "xyz", true),
            (r"^a b#c~&$", "a b#c~&", true),
            (r"^a*?b+?c??$", "aab", true),
        ] {
            let regex = compile(go).unwrap_or_else(|e| panic!("{go}: {e}"));
            assert_eq!(regex.is_match(text), matches, "{go} on {text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for (go, why) in [
            (r"a**", "'*' repeats what is repeated already"),
            (r"a{2}{3}", "'{' repeats what is repeated already"),
            (r"a{1001}", "{1001} repeats more than 1000 times"),
            (r"[a", "a '[' is not closed"),
            (r"[b-a]", "the range b-a runs backwards"),
            (r"[a--b]", "the range a-- runs backwards"),
            (r"[[:foo:]]", "[:foo:] is not known"),
            (r"\1", "\\1 would refer to a group, which is not supported"),
            (r"\8", "\\8 is not known"),
            (r"\é", "\\é is not known"),
            (r"\xzz", "\\xzz is no character"),
            (r"(?x)a", "(?x is not known"),
            (r"(a", "unclosed group"),
            (r"\p{Nope}", "Unicode property not found"),
            (r"a\", "a backslash is at its end"),
            (r"*", "repetition operator missing expression"),
        ] {
            assert_eq!(compile(go).map(|r| r.to_string()), Err(why.to_owned()), "{go}");
        }
    }
}
