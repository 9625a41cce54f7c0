//! For tests: a server that gives prepared answers in their order and remembers what it was asked, and a store in memory.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{Auth, Change, Client, Credentials, Endpoints, Http, RateLimiter, Secret, TokenStore};

/// An answer, without the fields that say how long it is.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    /// Header lines, each with its end.
    headers: String,
    body: String,
}

impl Answer {
    /// Adds a header.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }
}

/// Returns an answer with this status and JSON body.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: String::new(),
        body: body.to_owned(),
    }
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Header lines in lower case, but for their values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// Returns the value of a header, whose name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(there, _)| there == name)?;
        Some(&header.1)
    }
}

/// The server. It ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) http: Http,
    /// Its address.
    pub(crate) origin: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server on loopback. Once its answers are used up, it closes connections without one.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let answers: Mutex<VecDeque<Answer>> = Mutex::new(answers.into_iter().collect());
        let requests = Arc::default();
        let told: Arc<Mutex<Vec<Request>>> = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                told.lock().unwrap().push(request);
                let next = answers.lock().unwrap().pop_front();
                if let Some(answer) = next {
                    write(&mut stream, &answer).await;
                }
            }
        });
        let endpoints = Endpoints::new(Some(&origin)).unwrap();
        Self {
            http: Http::new(endpoints, "test/1.0"),
            origin,
            requests,
        }
    }

    /// Returns a client of the server with a login.
    pub(crate) fn client(&self, credentials: Credentials) -> Client {
        self.client_of(Auth::new("dbx", credentials, self.http.clone()))
    }

    /// Returns a client of the server.
    pub(crate) fn client_of(&self, auth: Auth) -> Client {
        Client::new(self.http.clone(), auth, 4, Arc::new(RateLimiter::default()))
    }

    /// Returns what the server was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the paths that the server was asked for so far, without `/2/`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.requests();
        requests
            .iter()
            .map(|request| request.path.trim_start_matches("/2/").to_owned())
            .collect()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request {
        path,
        headers,
        body: String::new(),
    };
    let length = request.header("content-length").unwrap_or("0").parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

async fn write(stream: &mut BufReader<TcpStream>, answer: &Answer) {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// A login in memory, and the changes that were saved to it.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    pub(crate) kept: Mutex<Option<Credentials>>,
    pub(crate) saved: Mutex<Vec<Change>>,
}

impl TokenStore for MemoryStore {
    fn load(&self) -> Option<Credentials> {
        self.kept.lock().unwrap().clone()
    }

    fn save(&self, change: &Change) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(kept) = &mut *self.kept.lock().unwrap() {
            change.apply(kept);
        }
        self.saved.lock().unwrap().push(change.clone());
        Ok(())
    }
}

/// Returns a login with this access token, which can be renewed.
pub(crate) fn login(access_token: &str) -> Credentials {
    Credentials {
        app_key: "key".into(),
        access_token: Some(Secret::new(access_token)),
        refresh_token: Some(Secret::new("refresh")),
        account_id: Some("dbid:1".into()),
        ..Credentials::default()
    }
}
