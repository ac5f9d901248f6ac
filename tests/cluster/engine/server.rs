//! HTTP on one pod's address: whatever is asked, the answer is the metrics, or what stands in their place.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::load::{Load, Reply};

/// Serves until it is dropped, its connections with it.
pub async fn serve(address: String, pod: String, load: Arc<Load>) {
    let mut connections = JoinSet::new();
    loop {
        // The address of a pod that has just gone may be given to the next one at once.
        let Ok(listener) = TcpListener::bind(&address).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            connections.spawn(answer(stream, pod.clone(), load.clone()));
        }
    }
}

async fn answer(stream: TcpStream, pod: String, load: Arc<Load>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) if head.len() < 16_384 => head.push(byte),
                _ => return,
            }
        }
        let text = match load.reply(&pod) {
            Reply::Text(text) => text,
            Reply::HangUp => return,
            Reply::Nothing => return std::future::pending().await,
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
