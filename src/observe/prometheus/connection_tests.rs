//! Where a query goes, and with which credentials.

use super::*;

#[tokio::test]
async fn a_redirect_is_not_followed_and_sends_no_token() {
    let target = always(ok(EMPTY)).await;
    let folder = Folder::new();
    let token = folder.write("token", "s3cret\n");
    for code in [301, 302, 307, 308] {
        let server = always(ResponseTemplate::new(code).insert_header("location", target.uri().as_str())).await;
        let mut settings = settings(&server.uri());
        settings.bearer_token_file = Some(token.clone());
        let collected = collect_with(&settings).await;
        assert_eq!(classes(&collected), [FailureClass::Http(code)]);
        assert!(collected.failures[0].message.contains("redirect"));
    }
    assert_eq!(target.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_token_is_read_again_and_headers_are_sent() {
    let server = MockServer::start().await;
    for token in ["first", "second"] {
        Mock::given(header("authorization", format!("Bearer {token}")))
            .and(header("x-scope-orgid", "team"))
            .respond_with(ok(EMPTY))
            .expect(8)
            .mount(&server)
            .await;
    }
    let folder = Folder::new();
    let mut settings = settings(&server.uri());
    settings.bearer_token_file = Some(folder.write("token", "first\n"));
    settings.headers.insert("X-Scope-OrgID".into(), "team".into());
    let source = Source::new(&settings).unwrap();
    let presets = Presets::embedded().unwrap();
    let preset = presets.engine("vLLM").unwrap();
    for token in ["first", "second"] {
        folder.write("token", token);
        let collected = source
            .collect(preset, &Limits::default(), NOW, Span::from_secs(1))
            .await;
        assert_eq!(collected.failures, []);
    }
}

#[rstest]
#[case::gone(None, "cannot be read: No such file or directory")]
#[case::empty(Some(" \n"), "is empty")]
#[case::two_lines(Some("s3cret\ns3cret"), "holds more than one line")]
#[tokio::test]
async fn without_its_token_nothing_is_sent(#[case] content: Option<&str>, #[case] expected: &str) {
    let server = always(ok(EMPTY)).await;
    let folder = Folder::new();
    let mut settings = settings(&server.uri());
    settings.bearer_token_file = Some(match content {
        Some(content) => folder.write("token", content),
        None => folder.path().join("token"),
    });
    let collected = collect_with(&settings).await;
    assert_eq!(classes(&collected), [FailureClass::Credentials]);
    let message = &collected.failures[0].message;
    assert!(message.contains(expected) && !message.contains("s3cret"), "{message}");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[rstest]
#[case::gone(None, "cannot read caFile")]
#[case::no_certificate(Some("hello"), "caFile holds no certificate in PEM form")]
fn authorities_that_cannot_be_used_are_an_error_at_the_start(#[case] content: Option<&str>, #[case] expected: &str) {
    let folder = Folder::new();
    let mut settings = settings("https://127.0.0.1:1");
    settings.ca_file = Some(match content {
        Some(content) => folder.write("ca.pem", content),
        None => folder.path().join("ca.pem"),
    });
    let error = Source::new(&settings).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn the_path_of_a_gateway_is_kept() {
    let server = MockServer::start().await;
    Mock::given(path("/prometheus/api/v1/query"))
        .respond_with(ok(EMPTY))
        .expect(8)
        .mount(&server)
        .await;
    let collected = collect(&format!("{}/prometheus/", server.uri())).await;
    assert_eq!(collected.failures, []);
}
