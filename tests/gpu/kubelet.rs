//! A kubelet as far as the exporter sees one: `List` on a unix socket, and what can go wrong with it.

use std::convert::Infallible;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use inferscale::gpu::pod_resources::messages::{Container, Devices, ListRequest, ListResponse, Pod};
use tokio::net::{UnixListener, UnixStream};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

type Future<T> = Pin<Box<dyn std::future::Future<Output = T> + Send>>;

/// What it does when it is asked.
#[derive(Clone)]
pub enum Manner {
    Answers(ListResponse),
    Refuses,
    Hangs,
}

/// Serves until it is dropped; the socket then stays behind, as a kubelet's does.
pub struct Kubelet {
    manner: Arc<Mutex<Manner>>,
    runtime: Option<tokio::runtime::Runtime>,
}

fn socket(folder: &Path) -> PathBuf {
    let socket = folder.join("kubelet.sock");
    let _ = fs::remove_file(&socket);
    socket
}

impl Kubelet {
    pub fn start(folder: &Path, manner: Manner) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let manner = Arc::new(Mutex::new(manner));
        let lister = Lister(Arc::clone(&manner));
        let listener = {
            let _guard = runtime.enter();
            UnixListener::bind(socket(folder)).unwrap()
        };
        runtime.spawn(async move {
            let streams = futures::stream::unfold(listener, async |listener| {
                let stream: std::io::Result<UnixStream> = listener.accept().await.map(|(stream, _)| stream);
                Some((stream, listener))
            });
            let server = tonic::transport::Server::builder().add_service(lister);
            server.serve_with_incoming(Box::pin(streams)).await.unwrap();
        });
        Self {
            manner,
            runtime: Some(runtime),
        }
    }

    pub fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Something on the socket that speaks no gRPC: it sends these bytes to everybody.
pub fn sends(folder: &Path, bytes: &'static [u8]) {
    let listener = std::os::unix::net::UnixListener::bind(socket(folder)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 256];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(bytes);
        }
    });
}

/// A pod with one container, which holds devices of one resource.
pub fn pod(name: &str, resource: &str, ids: &[&str]) -> Pod {
    Pod {
        name: name.to_owned(),
        namespace: "prod".to_owned(),
        containers: vec![Container {
            name: "engine".to_owned(),
            devices: vec![Devices {
                resource: resource.to_owned(),
                ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            }],
            claims: vec![],
        }],
    }
}

pub fn answers(pods: Vec<Pod>) -> Manner {
    Manner::Answers(ListResponse { pods })
}

#[derive(Clone)]
struct Lister(Arc<Mutex<Manner>>);

impl NamedService for Lister {
    const NAME: &'static str = "v1.PodResourcesLister";
}

impl UnaryService<ListRequest> for Lister {
    type Response = ListResponse;
    type Future = Future<Result<Response<ListResponse>, Status>>;

    fn call(&mut self, _: Request<ListRequest>) -> Self::Future {
        let manner = self.0.lock().unwrap().clone();
        Box::pin(async move {
            match manner {
                Manner::Answers(list) => Ok(Response::new(list)),
                Manner::Refuses => Err(Status::resource_exhausted("rejected by rate limit")),
                Manner::Hangs => std::future::pending().await,
            }
        })
    }
}

impl Service<http::Request<Body>> for Lister {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Future<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let lister = self.clone();
        Box::pin(async move {
            if request.uri().path() != "/v1.PodResourcesLister/List" {
                return Ok(Status::unimplemented("only List").into_http());
            }
            Ok(Grpc::new(ProstCodec::default()).unary(lister, request).await)
        })
    }
}
