// The official Node client as a judge: `node judge.mjs FOLDER URL fake|real` runs every case of a kind against the
// server at URL and writes {case: "ok" | what went wrong} as one JSON object. FOLDER has the package `openai`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [folder, url, kind] = process.argv.slice(2);
const { default: OpenAI, APIError, APIUserAbortError, BadRequestError, NotFoundError } = await import(
  createRequire(folder + "/").resolve("openai")
);
const client = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0, timeout: 240_000 });
const model = (await client.models.list()).data[0].id;
const messages = [{ role: "user", content: "weather, please" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tool = { type: "function", function: { name: "weather", description: "Of a city", parameters, strict: true } };

async function all(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

async function refusal(promise, type) {
  const error = await promise.then(() => assert.fail("it was not refused"), (caught) => caught);
  assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
  assert.ok(error instanceof APIError);
  assert.equal(error.type, "invalid_request_error");
  assert.ok(error.requestID);
  assert.ok(error.error.fix);
  return error;
}

// What a stream adds up to must be the plain answer to the same request, field by field.
async function chatAgrees(asked) {
  const plain = await client.chat.completions.create(asked);
  const runner = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
  const streamed = await runner.finalChatCompletion();
  assert.equal(streamed.choices.length, plain.choices.length);
  for (const [at, choice] of plain.choices.entries()) {
    const other = streamed.choices[at];
    assert.equal(other.finish_reason, choice.finish_reason);
    assert.equal(other.message.content, choice.message.content);
    assert.deepEqual(other.logprobs?.content ?? null, choice.logprobs?.content ?? null);
    const calls = (message) => (message.tool_calls ?? []).map(({ type, function: { name, arguments: given } }) => ({
      type, name, given,
    }));
    assert.deepEqual(calls(other.message), calls(choice.message));
  }
  assert.deepEqual(streamed.usage, plain.usage);
  return plain;
}

const both = {
  async models_list() {
    const page = await client.models.list();
    assert.equal(page.object, "list");
    const one = await client.models.retrieve(model);
    assert.deepEqual(one, page.data.find((each) => each.id === model));
    assert.equal(one.object, "model");
    assert.equal((await refusal(client.models.retrieve("none-such"), NotFoundError)).status, 404);
  },
  async abort() {
    const asked = { model, messages: [{ role: "user", content: "Count from 1 to 100." }], max_tokens: 64 };
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    for await (const chunk of stream) {
      assert.equal(chunk.object, "chat.completion.chunk");
      stream.controller.abort();
      break;
    }
    const control = new AbortController();
    control.abort();
    await assert.rejects(client.chat.completions.create(asked, { signal: control.signal }), APIUserAbortError);
    assert.ok((await client.chat.completions.create({ ...asked, max_tokens: 1 })).choices[0]);
  },
};

const fake = {
  ...both,
  async chat() {
    const plain = await chatAgrees({ model, messages, seed: 5, n: 2 });
    assert.equal(new Set(plain.choices.map((choice) => choice.message.content)).size, 2);
    assert.equal(plain.choices[0].finish_reason, "stop");
  },
  async chat_logprobs() {
    const plain = await chatAgrees({ model, messages, seed: 5, logprobs: true, top_logprobs: 2 });
    const rated = plain.choices[0].logprobs.content;
    assert.equal(rated.map((each) => each.token).join(""), plain.choices[0].message.content);
  },
  async chat_length_and_stop() {
    const plain = await chatAgrees({ model, messages, seed: 5, max_completion_tokens: 2 });
    assert.equal(plain.choices[0].finish_reason, "length");
    const whole = (await client.chat.completions.create({ model, messages, seed: 5 })).choices[0].message.content;
    const word = whole.trim().split(" ")[1];
    const cut = await chatAgrees({ model, messages, seed: 5, stop: [word] });
    assert.equal(cut.choices[0].message.content, whole.slice(0, whole.indexOf(word)));
  },
  async chat_chunks() {
    const stream_options = { include_usage: true };
    const chunks = await all(await client.chat.completions.create({ model, messages, stream: true, stream_options }));
    assert.deepEqual(chunks[0].choices[0].delta, { role: "assistant", content: "" });
    const [end, usage] = chunks.slice(-2);
    assert.deepEqual([end.choices[0].delta, end.choices[0].finish_reason], [{}, "stop"]);
    assert.deepEqual(usage.choices, []);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  },
  async tools() {
    const plain = await chatAgrees({ model, messages, tools: [tool] });
    assert.equal(plain.choices[0].finish_reason, "tool_calls");
    assert.equal(typeof JSON.parse(plain.choices[0].message.tool_calls[0].function.arguments), "object");
    for (const tool_choice of ["required", { type: "function", function: { name: "weather" } }]) {
      const forced = await chatAgrees({ model, messages: [{ role: "user", content: "hi" }], tools: [tool], tool_choice });
      assert.equal(forced.choices[0].message.tool_calls[0].function.name, "weather");
    }
    const none = await chatAgrees({ model, messages, tools: [tool], tool_choice: "none" });
    assert.equal(none.choices[0].message.tool_calls, undefined);
  },
  async tools_run() {
    let asked = 0;
    const given = { ...tool.function, parse: JSON.parse, function: () => ((asked += 1), "snow") };
    const runner = client.chat.completions.runTools({ model, messages, tools: [{ type: "function", function: given }] });
    const last = await runner.finalChatCompletion();
    assert.equal(asked, 1);
    assert.equal(last.choices[0].finish_reason, "stop");
  },
  async json_schema_is_refused() {
    const response_format = { type: "json_schema", json_schema: { name: "city", strict: true, schema: parameters } };
    const error = await refusal(client.chat.completions.create({ model, messages, response_format }), BadRequestError);
    assert.deepEqual([error.param, error.code], ["response_format", "invalid_argument"]);
    assert.match(error.message, /llama\.cpp/);
  },
  async completions() {
    const asked = { model, prompt: ["one", "two"], max_tokens: 3, n: 2, logprobs: 1, seed: 1 };
    const plain = await client.completions.create(asked);
    const stream_options = { include_usage: true };
    const chunks = await all(await client.completions.create({ ...asked, stream: true, stream_options }));
    for (const choice of plain.choices) {
      const pieces = chunks.flatMap((chunk) => chunk.choices).filter((piece) => piece.index === choice.index);
      assert.equal(pieces.map((piece) => piece.text).join(""), choice.text);
      assert.equal(pieces.at(-1).finish_reason, choice.finish_reason);
      for (const field of ["tokens", "token_logprobs", "top_logprobs", "text_offset"]) {
        assert.deepEqual(pieces.flatMap((piece) => piece.logprobs?.[field] ?? []), choice.logprobs[field], field);
      }
    }
    assert.equal(plain.choices.length, 4);
    assert.equal(plain.choices[0].finish_reason, "length");
    assert.deepEqual(chunks.at(-1).usage, plain.usage);
  },
  async embeddings() {
    // The client asks for base64 unless told otherwise, and unpacks it.
    const packed = await client.embeddings.create({ model, input: ["saju", "사주"] });
    const numbers = await client.embeddings.create({ model, input: ["saju", "사주"], encoding_format: "float" });
    assert.deepEqual(packed.data.map((each) => each.index), [0, 1]);
    for (const [at, each] of packed.data.entries()) {
      assert.equal(each.embedding.length, numbers.data[at].embedding.length);
      each.embedding.forEach((value, i) => assert.ok(Math.abs(value - numbers.data[at].embedding[i]) < 1e-6));
    }
    assert.deepEqual(packed.usage, numbers.usage);
    const wide = client.embeddings.create({ model, input: "saju", dimensions: 7 });
    assert.equal((await refusal(wide, BadRequestError)).param, "dimensions");
  },
  async responses() {
    const asked = { model, input: "hi", instructions: "Be short.", metadata: { a: "b" } };
    const plain = await client.responses.create(asked);
    assert.deepEqual([plain.status, plain.error, plain.metadata], ["completed", null, { a: "b" }]);
    const runner = client.responses.stream(asked);
    const kinds = [];
    const numbers = [];
    let text = "";
    for await (const event of runner) {
      kinds.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const finished = await runner.finalResponse();
    assert.equal(text, plain.output_text);
    assert.equal(finished.output_text, plain.output_text);
    assert.deepEqual(finished.usage, plain.usage);
    assert.deepEqual(numbers, numbers.map((_, at) => at));
    assert.deepEqual([kinds[0], kinds[1], kinds.at(-1)], [
      "response.created", "response.in_progress", "response.completed",
    ]);
    const again = await client.responses.retrieve(plain.id);
    assert.deepEqual(again.output, plain.output);
    const next = await client.responses.create({ ...asked, input: "and?", previous_response_id: plain.id });
    assert.equal(next.previous_response_id, plain.id);
    assert.ok(next.usage.input_tokens > plain.usage.input_tokens);
    await client.responses.delete(plain.id);
    assert.equal((await refusal(client.responses.retrieve(plain.id), NotFoundError)).status, 404);
  },
  async responses_in_the_background() {
    const begun = await client.responses.create({ model, input: "hi", background: true });
    assert.equal(begun.background, true);
    const ended = await client.responses.cancel(begun.id);
    assert.ok(["cancelled", "completed"].includes(ended.status), ended.status);
    assert.equal((await client.responses.retrieve(begun.id)).status, ended.status);
    const plain = await client.responses.create({ model, input: "hi" });
    assert.equal((await refusal(client.responses.cancel(plain.id), BadRequestError)).status, 400);
  },
  async responses_tools() {
    const flat = { type: "function", name: "weather", parameters, strict: true };
    const asked = { model, input: "weather, please", tools: [flat] };
    const plain = await client.responses.create(asked);
    const finished = await client.responses.stream(asked).finalResponse();
    const calls = (response) => response.output.map(({ type, name, arguments: given, status }) => ({
      type, name, given, status,
    }));
    assert.deepEqual(calls(finished), calls(plain));
    assert.deepEqual([plain.output[0].type, plain.output[0].name], ["function_call", "weather"]);
    const output = { type: "function_call_output", call_id: plain.output[0].call_id, output: "snow" };
    const next = await client.responses.create({ ...asked, previous_response_id: plain.id, input: [output] });
    assert.equal(next.output[0].type, "message");
  },
  async errors() {
    for (const [wrong, param] of [
      [{ temprature: 1 }, "temprature"],
      [{ temperature: 9 }, "temperature"],
      [{ n: 17 }, "n"],
      [{ messages: [{ role: "king", content: "x" }] }, "messages[0].role"],
      [{ stop: [""] }, "stop[0]"],
    ]) {
      for (const stream of [false, true]) {
        const error = await refusal(client.chat.completions.create({ model, messages, ...wrong, stream }), BadRequestError);
        assert.deepEqual([error.status, error.param, error.code], [400, param, "invalid_argument"]);
      }
    }
    const missing = await refusal(client.chat.completions.create({ model: "none", messages }), NotFoundError);
    assert.deepEqual([missing.status, missing.param, missing.code], [404, "model", "model_not_found"]);
  },
};

const real = {
  ...both,
  async json_schema() {
    const response_format = { type: "json_schema", json_schema: { name: "city", strict: true, schema: parameters } };
    const asked = { model, messages: [{ role: "user", content: "Name a city." }], response_format };
    const plain = await client.chat.completions.parse({ ...asked, temperature: 0, max_tokens: 32 });
    assert.deepEqual(Object.keys(plain.choices[0].message.parsed), ["city"]);
    const runner = client.chat.completions.stream({ ...asked, temperature: 0, max_tokens: 32 });
    assert.deepEqual(Object.keys((await runner.finalChatCompletion()).choices[0].message.parsed), ["city"]);
  },
  async tools() {
    const asked = { model, messages, tools: [tool], tool_choice: "required", max_tokens: 48, temperature: 0 };
    const plain = await client.chat.completions.parse(asked);
    const [call] = plain.choices[0].message.tool_calls;
    assert.deepEqual(Object.keys(call.function.parsed_arguments), ["city"]);
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    assert.deepEqual(Object.keys(streamed.choices[0].message.tool_calls[0].function.parsed_arguments), ["city"]);
  },
};

const results = {};
for (const [name, run] of Object.entries({ fake, real }[kind])) {
  try {
    await run();
    results[name] = "ok";
  } catch (error) {
    results[name] = error.stack ?? String(error);
  }
}
console.log(JSON.stringify(results));
