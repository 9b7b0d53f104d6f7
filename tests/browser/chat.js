// chat.js http|grpc: uses the page of examples/backend in two browsers, while the backend calls Centrifugo over HTTP or gRPC.
//
// With SCREENSHOTS=FOLDER it writes pictures.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Backend, Page } from './programs.js';

const transport = process.argv[2] ?? 'http';
const started = Date.now();
const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
let backend, anna, boris;

async function picture(page, name) {
  if (process.env.SCREENSHOTS) {
    writeFileSync(join(process.env.SCREENSHOTS, `backend-${name}.png`), await page.screenshot());
  }
}

const both = (look) => Promise.all([look(anna), look(boris)]);
const lastAnswer = '[...document.querySelectorAll(".answer")].at(-1)';
const shown = `${lastAnswer}.querySelector(".text").textContent`;
const isStreaming = (page, from) =>
  page.until('an answer that is being written', `${lastAnswer}?.matches(".streaming") && ${shown}.length > ${from} && ${shown}`);
const hasEnded = (page, state) =>
  page.until(`an answer that is ${state}`, `${lastAnswer}?.querySelector("footer").textContent === "${state}" && ${shown}`);

async function ask(page, question) {
  const before = await page.driver.executeScript('return document.querySelectorAll(".answer").length;');
  await page.write(question);
  await page.click('#ask');
  await both((one) => one.until('the question', `document.querySelectorAll(".answer").length > ${before}`));
}

// The whole answer, word by word, as the backend has it in its database.
async function isComplete(page, question) {
  const text = await hasEnded(page, 'complete');
  const path = await page.driver.executeScript(`return ${lastAnswer}.dataset.path;`);
  const stored = await page.run('return (await (await fetch(values[0])).json()).text;', path);
  assert.equal(text, stored);
  assert.match(text, new RegExp(`^“${question}” is a good question\\. .* 🙂\\. .* This is the end of the answer\\.$`));
}

let firstKey; // which has signed anna's first token
let clara, unread, orphan;

const steps = {
  async 'both see who is there'() {
    await both((page) => page.logIn());
    firstKey = await anna.text('#key');
    await both((page) => page.sees('#present li', 'anna'));
    await both((page) => page.sees('#present li', 'boris'));
    assert.equal(await boris.run('return (await fetch("/rooms/attic")).status;'), 403);
    assert.equal(await boris.text('#rooms'), 'lobby');
    assert.equal(await anna.text('#rooms'), 'lobbyattic');
  },

  async 'two users chat'() {
    await anna.write('Hello, is anybody there?');
    await boris.sees('#typing', 'anna is writing');
    await anna.click('#send');
    await both((page) => page.sees('#messages li', 'Hello, is anybody there?'));
    await boris.write('Yes, I am.');
    await boris.click('#send');
    await both((page) => page.sees('#messages li', 'Yes, I am.'));
    const options = '{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify("By HTTP.") }';
    const status = await boris.run(`return (await fetch('/rooms/lobby/messages', ${options})).status;`);
    assert.equal(status, 200);
    await both((page) => page.sees('#messages li', 'By HTTP.'));
    // Each is published once, although the reply to Centrifugo and the outbox both publish it.
    const texts = (await backend.published('room:lobby')).map(({ author, text }) => `${author}: ${text}`);
    assert.deepEqual(texts, ['anna: Hello, is anybody there?', 'boris: Yes, I am.', 'boris: By HTTP.']);
  },

  async 'a text of a wrong length is refused'() {
    const post = 'fetch(values[0], { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(values[1]) })';
    const status = (path, text) => anna.run(`return (await ${post}).status;`, `/rooms/attic/${path}`, text);
    for (const text of ['', ' \n', 'a zero byte: \0', 'x'.repeat(1001)]) {
      assert.equal(await status('messages', text), 400);
      assert.equal(await status('questions', text), 400);
    }
    assert.equal(await status('messages', '🙂'.repeat(1000)), 200);
    await boris.write('?');
    await boris.driver.executeScript('const text = document.getElementById("text"); text.maxLength = 2000; text.value = "x".repeat(1001);');
    await boris.click('#send');
    await boris.sees('#notice', 'Not sent: a message has 1 to 1,000 characters');
    await boris.driver.executeScript('document.getElementById("text").value = "Short enough.";');
    await boris.click('#send');
    await boris.until('no notice', 'document.getElementById("notice").hidden');
    assert.doesNotMatch(backend.log('backend.log'), / ERROR /);
  },

  async 'a reload resumes an answer, which ends complete and in order'() {
    // Meanwhile there is one that nobody reads.
    clara = await backend.logIn('clara');
    const channel = await clara('/rooms/cellar/questions', 'Is there anybody?');
    unread = channel.replace('answer:cellar/', '/rooms/cellar/answers/');
    await ask(anna, 'What is streaming?');
    const before = await isStreaming(boris, 80);
    await boris.reload();
    const after = await isStreaming(boris, before.length);
    assert.ok(after.startsWith(before), `${after}\ndoes not begin with\n${before}`);
    await picture(boris, 'answer');
    await both((page) => isComplete(page, 'What is streaming\\?'));
    // The page has loaded the text once, and this test once: all else came by the channel, in its place.
    const isOfAnswer = `({ name }) => name.endsWith(${lastAnswer}.dataset.path)`;
    const loads = `performance.getEntriesByType("resource").filter(${isOfAnswer}).length`;
    assert.deepEqual(await both((page) => page.run(`return ${loads};`)), [2, 2]);
  },

  async 'an answer without readers has ended early'() {
    const { state, text } = await clara(unread);
    assert.equal(state, 'abandoned', text);
  },

  async 'another instance starts without interrupting an answer, and crashes'() {
    await ask(anna, 'How many are you?');
    await both((page) => isStreaming(page, 20));
    const another = await backend.another();
    const channel = await clara(`${another.url}/rooms/cellar/questions`, 'Are you well?');
    orphan = { channel, path: channel.replace('answer:cellar/', '/rooms/cellar/answers/') };
    await anna.driver.wait(async () => (await clara(orphan.path)).text !== '', 5000, 'no answer of the other instance', 50);
    another.process.kill('SIGKILL');
    await both((page) => isComplete(page, 'How many are you\\?'));
  },

  async 'the asker stops an answer'() {
    await ask(boris, 'Too long?');
    await both((page) => isStreaming(page, 40));
    assert.equal(await anna.text('.answer:last-of-type .stop'), 'Stop'); // of her own question
    await boris.driver.executeScript(`${lastAnswer}.querySelector(".stop").click()`);
    const [one, other] = await both((page) => hasEnded(page, 'stopped'));
    assert.equal(one, other);
    assert.doesNotMatch(one, /end of the answer/);
  },

  async 'tokens are refreshed and keys rotate without a new connection'() {
    await anna.until('three tokens', 'Number(document.getElementById("tokens").textContent) >= 3');
    await anna.until('the next key', `document.getElementById("key").textContent !== ${JSON.stringify(firstKey)}`);
    const count = Number(await anna.text('#tokens'));
    await anna.until('a token of the next key, used', `Number(document.getElementById("tokens").textContent) > ${count}`);
    assert.equal(await anna.text('#connections'), '1');
    await anna.isConnected();
    await picture(anna, 'chat');
  },

  async 'nothing is lost when Centrifugo is restarted'() {
    await ask(anna, 'And a crash?');
    await both((page) => isStreaming(page, 40));
    const connections = Number(await boris.text('#connections'));
    // It is frozen first, so that what is written now is certain to wait for the next one.
    backend.signalCentrifugo('SIGSTOP');
    const options = '{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify("Still here.") }';
    assert.equal(await anna.run(`return (await fetch('/rooms/lobby/messages', ${options})).status;`), 200);
    backend.signalCentrifugo('SIGKILL');
    await both((page) => page.sees('#state', 'connecting'));
    await picture(boris, 'reconnecting');
    await both((page) => page.isConnected());
    await both((page) => page.sees('#messages li', 'Still here.'));
    await both((page) => isComplete(page, 'And a crash\\?'));
    assert.ok(Number(await boris.text('#connections')) > connections);
  },

  async 'a connection without a token has the session'() {
    await boris.driver.get(`${backend.url}/?session`);
    await boris.isConnected();
    await boris.sees('#present li', 'anna');
    assert.equal(await boris.text('#tokens'), '0');
    await boris.write('Without a token.');
    await boris.click('#send');
    await both((page) => page.sees('#messages li', 'Without a token.'));
    await boris.driver.get(backend.url);
    await boris.isConnected();
  },

  async 'who is kicked leaves, and may come back'() {
    await anna.sees('#present li', 'boris');
    await anna.click('#present li[data-name=boris] .kick');
    await boris.sees('#notice', 'The connection has ended: kicked (4500)');
    await boris.sees('#state', 'disconnected');
    await picture(boris, 'kicked');
    await anna.until('an empty room', '!document.querySelector("#present li[data-name=boris]")');
    await boris.reload();
    await boris.isConnected();
    await anna.sees('#present li', 'boris');
  },

  async 'who is blocked cannot come back'() {
    const old = await boris.run('return (await (await fetch("/token", { method: "POST" })).json()).token;');
    const { websocket } = await boris.run('return (await fetch("/me")).json();');
    await anna.click('#present li[data-name=boris] .block');
    await boris.sees('#notice', 'The connection has ended: blocked (4500)');
    await anna.sees('#messages li', 'I have blocked boris.');
    // The token from before is valid still, and opens nothing.
    const refusal = await boris.run(
      `return new Promise((resolve) => {
         const centrifuge = new Centrifuge(values[0], { token: values[1] });
         const subscription = centrifuge.newSubscription('room:lobby');
         subscription.on('subscribed', () => resolve('subscribed'));
         subscription.on('unsubscribed', ({ code, reason }) => resolve({ code, reason }));
         centrifuge.on('disconnected', ({ code }) => resolve('disconnected ' + code));
         subscription.subscribe();
         centrifuge.connect();
       });`,
      websocket, old,
    );
    assert.deepEqual(refusal, { code: 403, reason: 'not a member' });
    await boris.reload();
    await boris.sees('#login button', 'boris');
    await boris.click('#login button[value=boris]');
    await boris.sees('#refused', 'You are blocked.');
    await anna.until('an empty room', '!document.querySelector("#present li[data-name=boris]")');
  },

  async 'the answer of the instance that crashed has ended'() {
    const hasEnded = async () => (await clara(orphan.path)).state !== 'streaming';
    await anna.driver.wait(hasEnded, 40_000, 'the answer of the instance that crashed is still being written', 250);
    const { state, text } = await clara(orphan.path);
    assert.equal(state, 'interrupted');
    const end = (await backend.published(orphan.channel)).at(-1);
    assert.deepEqual(end, { from: text.length, text: '', state });
  },

  async 'the backend stops in order, and says that an answer was interrupted'() {
    await anna.write('Is there time?');
    await anna.click('#ask');
    await isStreaming(anna, 20);
    const code = backend.stop();
    await hasEnded(anna, 'interrupted');
    assert.equal(await code, 143); // of SIGTERM
    assert.match(backend.log('backend.log'), /the answer has ended.*interrupted/);
    assert.doesNotMatch(backend.log('backend.log'), / ERROR /);
  },
};

async function play() {
  backend = await Backend.start(transport);
  console.log(`${seconds()} s: ${backend.url}, which calls Centrifugo over ${transport}`);
  anna = await Page.open('anna', backend.url);
  boris = await Page.open('boris', backend.url);
  for (const [name, step] of Object.entries(steps)) {
    if (!name.match(process.env.STEPS ?? '')) continue;
    await step().catch((error) => {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    });
    console.log(`${seconds()} s: ${name}`);
  }
}

async function explain(error) {
  console.error(`${seconds()} s: FAILED:`, error);
  for (const page of [anna, boris]) {
    if (page) console.error(`${page.name}: ${await page.text('main').catch(String)}`);
  }
  for (const name of ['backend.log', 'centrifugo.log']) {
    if (backend) console.error(backend.log(name).split('\n').slice(-20).join('\n'));
  }
}

async function end(code) {
  await Promise.all([anna?.close(), boris?.close()]);
  await backend?.stop();
  backend?.remove();
  process.exit(code);
}

// Whoever reads the output may go away, as `head` does: everything is stopped all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(1));
try {
  await play();
  await end(0);
} catch (error) {
  await explain(error);
  await end(1);
}
