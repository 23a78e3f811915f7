from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.domain.redact import PLACEHOLDER, looks_secret, redact, redact_argv

SECRET = "hunter2-Zq9"

CARRIERS = [
    f"https://ada:{SECRET}@conda.example.org/channel",
    f"https://{SECRET}@conda.example.org/channel",
    f"http://ada:p@ss{SECRET}@proxy:3128",
    f"//ada:{SECRET}@server/share",
    f"ssh://ada:{SECRET}@gpu01",
    f"see https://conda.anaconda.org/t/{SECRET}/conda-forge and more",
    f"conda.anaconda.org/t/{SECRET}/conda-forge/linux-64",
    f"export HF_TOKEN={SECRET}",
    f"HF_TOKEN='{SECRET} and more' python train.py",
    f'HF_TOKEN="{SECRET} \\" and more" python train.py',
    f"HF_TOKEN=$'{SECRET}' x",
    f"PGPASSWORD={SECRET} psql",
    f"MYSQL_PWD={SECRET} mysql",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"GITHUB_TOKEN_2={SECRET}",
    f"SECRET_VALUE_PROD={SECRET}",
    f"DB_PASS={SECRET}",
    f"jupyter lab --NotebookApp.token={SECRET}",
    f"prog --password {SECRET} --verbose",
    f"prog --password   {SECRET}",
    f"prog --token={SECRET}",
    f"prog --api-key '{SECRET}'",
    f"prog --wandb_api_key {SECRET}",
    f'{{"api_key": "{SECRET}", "name": "x"}}',
    f'{{"apiKey":"{SECRET}"}}',
    f"api_key: {SECRET}",
    f"password = {SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"curl -H 'Authorization: Basic {SECRET}' https://x.example",
    f"curl -H 'Cookie: a=1; session={SECRET}' https://x.example",
    f"curl -u ada:{SECRET} https://x.example",
    f"curl --user=ada:{SECRET} https://x.example",
    f"sshpass -p {SECRET} ssh gpu01",
    f"wandb login --relogin {SECRET}0123456789abcdef0123456789",
    f"docker run -e HF_TOKEN={SECRET} image",
    f"{{'password': '{SECRET}'}}",
    f"ANTHROPIC_API_KEY:{SECRET}",
    f"pip install --index-url https://u:{SECRET}@pypi.example/simple x",
    f"http://gpu01:8888/lab?x=1&token={SECRET}&reset=1",
    f"X-Api-Key: {SECRET}",
    f'FOO_TOKEN=ab"{SECRET}',
    f"FOO_PASSWORD=ab;{SECRET}&{SECRET}",
    f"git+https://x:{SECRET}@github.com/a/b.git#egg=b",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES\n{SECRET}",
]

SHAPES = [
    "hf_" + "aB3" * 11,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "sk-" + "a1B2" * 8,
    "sk-proj-" + "a1B2" * 8,
    "sk-ant-api03-" + "a1B2" * 8,
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "a1B2" * 9,
    "xoxb-123456789012-abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def-ghi",
    "npm_" + "a1B2" * 9,
]

HARMLESS = [
    "",
    "python=3.11",
    "python=3.11.*=*_cpython",
    "tokenizers=0.13.3",
    "secretstorage==3.3.3",
    "pytorch::pytorch>=2.1,<3",
    "conda-forge/linux-64::numpy==1.26.4=py311h64a7726_0",
    "/home/ada/miniconda3/envs/cv-resnet50-exp1",
    "/data/t/experiments/run-2024-01/model.pt",
    "/opt/conda/pkgs/openssl-3.0.13-hd590300_0/lib",
    "TOKENIZERS_PARALLELISM=false python train.py --max-tokens 4096 --max_new_tokens=512 --token-type 2",
    "tokenizer.pad_token='<pad>'",
    "python -u train.py --lr 3e-4 --batch-size 64",
    "docker run -u 1000:1000 image",
    "https://conda.anaconda.org/conda-forge/linux-64",
    "ssh://git@github.com/a/b.git",
    "CUDA_VISIBLE_DEVICES=0,1 CONDA_PREFIX=/opt/conda PWD=/home/ada",
    "PASSWORD_FILE=/run/secrets/db",
    "task-manager-for-everyone-and-more",
    "sk-learn-experiments-two",
    "hf_transfer",
    "2024-05-01T12:00:00Z gpu01: connected",
    "KeyError: 'monkey'",
]


@pytest.mark.parametrize("text", CARRIERS)
def test_a_secret_is_gone_and_a_placeholder_stands_in_its_place(text: str) -> None:
    clean = redact(text)
    assert SECRET not in clean
    assert "hunter2" not in clean
    assert PLACEHOLDER in clean


@pytest.mark.parametrize("token", SHAPES)
@pytest.mark.parametrize("around", ["{}", "login with {} now", "x={},", '"{}"', "({})"])
def test_a_token_is_known_by_its_shape_wherever_it_stands(token: str, around: str) -> None:
    assert token not in redact(around.format(token))


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_what_stands_beside_a_secret_stays() -> None:
    assert redact("HF_TOKEN=abc python train.py --epochs 3") == "HF_TOKEN=REDACTED python train.py --epochs 3"
    assert redact("a http://h:8888/lab?token=abc&x=1 b") == "a http://h:8888/lab?token=REDACTED&x=1 b"
    assert (
        redact("https://conda.anaconda.org/t/ab-cd/conda-forge") == "https://conda.anaconda.org/t/REDACTED/conda-forge"
    )
    assert redact("https://u:p@h/x") == "https://REDACTED@h/x"
    assert redact('{"api_key": "abc", "name": "x"}') == '{"api_key": "REDACTED", "name": "x"}'
    assert redact("connect(token=abc)") == "connect(token=REDACTED)"
    assert redact("--use-auth-token --lr 3") == "--use-auth-token --lr 3"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True),
        ("accessToken", True),
        ("PGPASSWORD", True),
        ("my.api.key", True),
        ("SIGNING_KEY", True),
        ("PROXY_AUTH", True),
        ("sort_key", False),
        ("tokens", False),
        ("MAX_TOKENS", False),
        ("keyring", False),
        ("eos_token", False),
        ("TOKEN_FILE", False),
        ("", False),
        ("___", False),
    ],
)
def test_names_that_look_secret(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


FRAGMENTS = st.sampled_from(
    [
        "token", "TOKEN", "password", "_", "-", "--", "=", ":", " ", "\n", '"', "'", "\\", "@", "/", "//", "https://",
        "/t/", "?", "&", "#", "api_key", "Authorization", "Bearer", "Cookie", "hf_", "sk-", "eyJ", "aB3dE5gH7jK9mN1p",
        ".", ",", ")", "REDACTED", "-u", "sshpass -p", "é", "\udcff", "x", "-----BEGIN PRIVATE KEY-----", "$", ";",
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=14).map("".join))
@example("Authorization=_ token")
@settings(max_examples=600, deadline=None)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(alphabet="abcxyzABCXYZ0189!#%*+", min_size=8, max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_part_of_a_password_survives_in_an_assignment(secret: str) -> None:
    assert secret not in redact(f"run DB_PASSWORD={secret} next").replace("run DB_PASSWORD=", "")


ADVERSARIES = [
    "-",
    "/",
    "//",
    "a",
    "token",
    "token=",
    'token="',
    "token='",
    'token:"\\',
    "--",
    "-- ",
    "--a ",
    "://",
    "a://",
    "/t/",
    "//x/t",
    ".org/t/",
    "eyJ",
    "-eyJ",
    "eyJaaaaaaaa.",
    "sk-",
    "hf_",
    "bearer ",
    "-u ",
    "-u a",
    "sshpass -p ",
    "@",
    "//@",
    "-----BEGIN PRIVATE KEY-----",
    "-----",
    "\\",
    '"',
    "'",
    " ",
    "=",
    "a.",
    "A_",
    "passwordpassword",
    "cookie:",
    "?token=",
    "Authorization: ",
    "0",
    ")",
    "token=)))x ",
    "aB",
]


@pytest.mark.parametrize("unit", ADVERSARIES)
def test_a_megabyte_made_to_be_slow_is_not(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size] + "x"
        start = time.process_time()
        redact(text)
        return time.process_time() - start

    # A quadratic pattern takes hours for the megabyte: the quarter already shows it.
    assert seconds(250_000) < 3
    assert seconds(1_000_000) < 10


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("conda", "install", "--token", "zz secret", "numpy"), ("conda", "install", "--token", PLACEHOLDER, "numpy")),
        (("curl", "-u", "ada:hunter2", "x"), ("curl", "-u", f"{PLACEHOLDER}:{PLACEHOLDER}", "x")),
        (("conda", "create", "-u", "1000:1000"), ("conda", "create", "-u", "1000:1000")),
        (("conda", "--token=hunter2", "--token", "--yes"), ("conda", f"--token={PLACEHOLDER}", "--token", "--yes")),
        (("conda", "-c", "https://ada:hunter2@repo/x"), ("conda", "-c", f"https://{PLACEHOLDER}@repo/x")),
        ((), ()),
    ],
)
def test_the_words_of_a_command_line_know_the_option_before_them(argv: tuple[str, ...], shown: tuple[str, ...]) -> None:
    assert redact_argv(argv) == shown
