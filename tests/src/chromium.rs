//! A real browser, driven over the DevTools protocol: opens pages, presses buttons, takes pictures.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, connect};

/// Maximum time for a page. A test that passes never waits that long.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Names of the program in Debian, in Fedora and from Google.
const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A browser without a window.
pub struct Chromium {
    child: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    last: u64,
    _profile: TempDir,
}

/// A tab.
#[derive(Clone, Debug)]
pub struct Tab(String);

/// Returns the path of the browser. `None` means that this machine has none.
pub fn installed() -> Option<&'static str> {
    let path = std::env::var_os("PATH")?;
    let is_there = |name: &&&str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    NAMES.iter().find(is_there).copied()
}

impl Chromium {
    /// Starts the browser.
    ///
    /// # Errors
    /// When there is none, or it doesn't start.
    pub fn start() -> anyhow::Result<Self> {
        let name = installed().context("there is no Chromium here")?;
        let profile = TempDir::new()?;
        let mut command = Command::new(name);
        command
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args([
                "--remote-debugging-port=0",
                "--window-size=900,700",
                "--remote-allow-origins=*",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let stderr = child.stderr.take().context("no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = loop {
            let line = lines.next().context("Chromium ended early")??;
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                break address.trim().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop)); // it must not block on a full pipe
        let (socket, _) = connect(&address)?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(MAX_WAIT))?;
        }
        Ok(Self {
            child,
            socket,
            last: 0,
            _profile: profile,
        })
    }

    /// Opens an address in a new tab.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn open(&mut self, url: &str) -> anyhow::Result<Tab> {
        let target = self.call(None, "Target.createTarget", &json!({"url": url}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call(None, "Target.attachToTarget", &attach)?;
        let tab = Tab(session["sessionId"].as_str().context("no session")?.to_owned());
        self.call(Some(&tab), "Page.enable", &json!({}))?;
        Ok(tab)
    }

    /// Evaluates a script in a tab.
    ///
    /// # Errors
    /// When it throws.
    pub fn eval(&mut self, tab: &Tab, script: &str) -> anyhow::Result<Value> {
        let arg = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let answer = self.call(Some(tab), "Runtime.evaluate", &arg)?;
        anyhow::ensure!(answer.get("exceptionDetails").is_none(), "{script}: {answer}");
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until a script returns something other than false, null or an empty string, and returns it.
    ///
    /// # Errors
    /// When it doesn't in time.
    pub fn until(&mut self, tab: &Tab, script: &str) -> anyhow::Result<Value> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            // A page that is being left can't be asked for a moment.
            let value = self.eval(tab, script).unwrap_or(Value::Null);
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                return Ok(value);
            }
            anyhow::ensure!(Instant::now() < deadline, "'{script}' stayed {value}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the button with this label, and presses it.
    ///
    /// # Errors
    /// When it doesn't come.
    pub fn press(&mut self, tab: &Tab, label: &str) -> anyhow::Result<()> {
        let find =
            format!("[...document.querySelectorAll('button')].find(b => b.textContent.trim() === {label:?})");
        self.until(tab, &format!("!!{find}"))?;
        self.eval(tab, &format!("{find}.click()"))?;
        Ok(())
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn reload(&mut self, tab: &Tab) -> anyhow::Result<()> {
        self.call(Some(tab), "Page.reload", &json!({})).map(drop)
    }

    /// Shows a tab as a window of this width does, in pixels, with light or dark colours.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn look(&mut self, tab: &Tab, width: u32, dark: bool) -> anyhow::Result<()> {
        let size = json!({"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": false});
        self.call(Some(tab), "Emulation.setDeviceMetricsOverride", &size)?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call(Some(tab), "Emulation.setEmulatedMedia", &media)?;
        Ok(())
    }

    /// Saves a screenshot of a tab as PNG.
    ///
    /// # Errors
    /// When it can't be taken or saved.
    pub fn picture(&mut self, tab: &Tab, file: &Path) -> anyhow::Result<()> {
        let shot = self.call(Some(tab), "Page.captureScreenshot", &json!({"format": "png"}))?;
        std::fs::write(
            file,
            STANDARD.decode(shot["data"].as_str().context("no picture")?)?,
        )?;
        Ok(())
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": params});
        if let Some(Tab(session)) = tab {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string()))?;
        loop {
            let Message::Text(text) = self.socket.read()? else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text)?;
            if answer["id"] == self.last {
                anyhow::ensure!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].clone());
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
