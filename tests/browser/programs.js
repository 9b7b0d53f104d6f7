// The programs of the test: the backend with all that it needs, and browsers.

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Builder, By } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';

const PATIENCE = 20_000;

function find(variable, names) {
  if (process.env[variable]) return process.env[variable];
  for (const folder of process.env.PATH.split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // It is in another folder.
      }
    }
  }
  throw new Error(`none of ${names} is on the PATH: set ${variable}, or on Debian apt-get install chromium chromium-driver`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The backend, PostgreSQL and Centrifugo, by examples/backend/start.
export class Backend {
  static async start(transport) {
    const backend = new Backend();
    const [port, http, grpc] = [await freePort(), await freePort(), await freePort()];
    const api = { http: `http://127.0.0.1:${http}/api`, grpc: `grpc://127.0.0.1:${grpc}` };
    backend.url = `http://127.0.0.1:${port}`;
    backend.api = api.http;
    backend.folder = mkdtempSync(join(tmpdir(), 'backend-'));
    backend.output = '';
    backend.instances = [];
    const start = fileURLToPath(new URL('../../examples/backend/start', import.meta.url));
    backend.process = spawn(start, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PORT: port,
        CENTRIFUGO_PORT: http,
        CENTRIFUGO_GRPC_PORT: grpc,
        CENTRIFUGO_URL: api[transport],
        RUN_DIR: backend.folder,
        TOKEN_LIFETIME_SECONDS: 4,
        NEXT_TOKEN_KEY_IN: 10,
        READERS_MAY_BE_AWAY_SECONDS: 5,
      },
    });
    const ended = new Promise((resolve) => backend.process.once('close', resolve));
    backend.ended = ended.then(() => backend.process.exitCode);
    await new Promise((resolve, reject) => {
      const read = (text) => {
        backend.output += text;
        if (backend.output.includes('\nOpen http')) resolve();
      };
      backend.process.stdout.setEncoding('utf8').on('data', read);
      backend.process.stderr.setEncoding('utf8').on('data', read);
      backend.ended.then((code) => reject(new Error(`start ended with ${code}:\n${backend.output}`)));
    });
    return backend;
  }

  signalCentrifugo(signal) {
    process.kill(Number(readFileSync(join(this.folder, 'centrifugo.pid'), 'utf8')), signal);
  }

  // Starts another instance of the backend, with the same database and Centrifugo, and returns its URL and its process.
  async another() {
    const port = await freePort();
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const program = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/backend');
    const command = `. "$0"; LISTEN=127.0.0.1:${port} exec "$1"`;
    const instance = spawn('bash', ['-c', command, join(this.folder, 'environment'), program]);
    this.instances.push(instance);
    let output = '';
    await new Promise((start, reject) => {
      instance.once('close', (code) => reject(new Error(`the other instance ended with ${code}:\n${output}`)));
      const read = (text) => {
        output += text;
        if (output.includes('INFO backend: http')) start();
      };
      for (const stream of [instance.stdout, instance.stderr]) stream.setEncoding('utf8').on('data', read);
    });
    return { url: `http://127.0.0.1:${port}`, process: instance };
  }

  // Returns a function that makes requests of a user who has no browser.
  async logIn(name) {
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`${this.url}/login`, { method: 'POST', headers, body: JSON.stringify(name) });
    headers.cookie = login.headers.getSetCookie()[0].split(';')[0];
    return async (path, body) => {
      const post = { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(new URL(path, this.url), { headers, ...(body && post) });
      return response.json();
    };
  }

  // Returns what was published into a channel, once the outbox is empty.
  async published(channel) {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const ready = await (await fetch(`${this.url}/ready`)).text();
      if (ready.startsWith('0 rows in the outbox')) break;
      if (Date.now() > deadline) throw new Error(`the outbox is not read: ${ready}`);
    }
    const { http_api: { key } } = JSON.parse(this.log('centrifugo.json'));
    const request = { method: 'POST', headers: { 'x-api-key': key }, body: JSON.stringify({ channel, limit: -1 }) };
    const { result } = await (await fetch(`${this.api}/history`, request)).json();
    return result.publications.map(({ data }) => data);
  }

  log(name) {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  // Stops everything, as Ctrl-C does, and returns the exit code.
  async stop() {
    for (const instance of this.instances) instance.kill('SIGKILL');
    this.process.kill('SIGTERM');
    return this.ended;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A browser with a profile of its own, in which one user has the page open.
export class Page {
  static async open(name, url) {
    const page = new Page();
    page.name = name;
    page.profile = mkdtempSync(join(tmpdir(), 'chromium-'));
    const options = new chrome.Options();
    options.setBinaryPath(find('CHROMIUM', ['chromium', 'google-chrome', 'chromium-browser']));
    options.addArguments(
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--window-size=880,620',
      `--user-data-dir=${page.profile}`,
    );
    const service = new chrome.ServiceBuilder(find('CHROMEDRIVER', ['chromedriver']));
    page.driver = await new Builder().forBrowser('chrome').setChromeOptions(options).setChromeService(service).build();
    await page.driver.get(url);
    return page;
  }

  async close() {
    await this.driver.quit();
    rmSync(this.profile, { recursive: true, force: true });
  }

  // Runs code in the page. The code may await.
  run(code, ...values) {
    return this.driver.executeAsyncScript(
      `const done = arguments[arguments.length - 1];
       (async (...values) => { ${code} })(...arguments).then(done, (error) => done({ error: String(error) }));`,
      ...values,
    );
  }

  // Waits until an expression of JavaScript is true in the page, and returns its value.
  until(what, expression) {
    const look = () => this.driver.executeScript(`return ${expression};`);
    return this.driver.wait(look, PATIENCE, `${this.name}'s page does not show this: ${what}`, 50);
  }

  text(selector) {
    return this.driver.executeScript('return document.querySelector(arguments[0])?.textContent ?? "";', selector);
  }

  sees(selector, text) {
    const [where, part] = [JSON.stringify(selector), JSON.stringify(text)];
    const expression = `[...document.querySelectorAll(${where})].some((one) => one.checkVisibility() && one.textContent.includes(${part}))`;
    return this.until(`${text} in ${selector}`, expression);
  }

  click(selector) {
    return this.driver.findElement(By.css(selector)).click();
  }

  async write(text) {
    await this.until('a text to write', '!document.getElementById("text").disabled');
    await this.driver.findElement(By.id('text')).sendKeys(text);
  }

  async logIn() {
    await this.sees('#login button', this.name);
    await this.click(`#login button[value=${this.name}]`);
    await this.isConnected();
  }

  isConnected() {
    return this.sees('#state', 'connected');
  }

  reload() {
    return this.driver.navigate().refresh();
  }

  async screenshot() {
    return Buffer.from(await this.driver.takeScreenshot(), 'base64');
  }
}
