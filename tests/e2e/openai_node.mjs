// Speaks to a server with the official Node client and writes what it heard as one JSON object.
import { createRequire } from "node:module";

const { default: OpenAI } = await import(createRequire(process.argv[2] + "/").resolve("openai"));
const client = new OpenAI({ baseURL: process.argv[3] + "/v1", apiKey: "none", maxRetries: 0 });
const asked = { model: "fake", messages: [{ role: "user", content: "weather, please" }], seed: 5, n: 2 };
const tools = [
  { type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } },
];

const plain = await client.chat.completions.create(asked);
const runner = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
const streamed = await runner.finalChatCompletion();
const called = await client.chat.completions.stream({ ...asked, n: 1, tools }).finalChatCompletion();
const text = await client.completions.create({ model: "fake", prompt: "one", max_tokens: 3 });
const response = await client.responses.create({ model: "fake", input: "hi" });
const finished = await client.responses.stream({ model: "fake", input: "hi" }).finalResponse();
const again = await client.responses.retrieve(response.id);
const refused = await client.chat.completions.create({ ...asked, temprature: 1 }).catch((error) => error);

console.log(
  JSON.stringify({
    plain: plain.choices.map((choice) => choice.message.content),
    streamed: streamed.choices.map((choice) => choice.message.content),
    usage: [plain.usage, streamed.usage],
    called: [called.choices[0].finish_reason, called.choices[0].message.tool_calls[0].function.name],
    text: text.choices[0].finish_reason,
    responses: [response.output_text, finished.output_text, again.output_text],
    refused: [refused.status, refused.param, refused.code, refused.requestID],
  }),
);
