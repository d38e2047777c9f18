// A client on the TypeScript SDK of ACP: one task, whose only question is answered with "allow once".
// node acp_client.mjs SDK-MODULE FOLDER AGENT…; prints what it saw as JSON.
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";

const [sdk, cwd, ...command] = process.argv.slice(2);
const acp = await import(sdk);
const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
const stream = acp.ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout));
const { client, agent } = acp.methods;
const seen = { asked: [], updates: [], text: "" };
const app = acp
  .client({ name: "a test" })
  .onRequest(client.session.requestPermission, ({ params }) => {
    seen.asked.push(params.toolCall.title);
    const option = params.options.find((each) => each.kind === "allow_once");
    return { outcome: { outcome: "selected", optionId: option.optionId } };
  })
  .onNotification(client.session.update, ({ params: { update } }) => {
    seen.updates.push(update.sessionUpdate);
    if (update.sessionUpdate === "agent_message_chunk") seen.text += update.content.text;
  });
await app.connectWith(stream, async (roo) => {
  await roo.request(agent.initialize, { protocolVersion: 1, clientCapabilities: {} });
  const { sessionId } = await roo.request(agent.session.new, { cwd, mcpServers: [] });
  const prompt = [{ type: "text", text: "Make it rhyme" }];
  seen.stop = (await roo.request(agent.session.prompt, { sessionId, prompt })).stopReason;
  seen.listed = (await roo.request(agent.session.list, { cwd })).sessions.map((each) => each.title);
  await roo.request(agent.session.close, { sessionId });
  await roo.request(agent.session.delete, { sessionId });
  seen.left = (await roo.request(agent.session.list, { cwd })).sessions.length;
});
console.log(JSON.stringify(seen));
child.kill();
