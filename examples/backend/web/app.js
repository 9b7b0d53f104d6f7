// The page of the chat. What is on the screen follows from two sources: what the backend returns when the page loads something,
// and what the channel publishes after the position that came with it.

const $ = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

async function call(path, body) {
  const isPost = body !== undefined;
  const response = await fetch(path, {
    method: isPost ? 'POST' : 'GET',
    headers: isPost ? { 'content-type': 'application/json' } : {},
    body: isPost ? JSON.stringify(body) : undefined,
  });
  if (!response.ok) throw new Refused(response.status);
  const text = await response.text();
  return text ? JSON.parse(text) : undefined;
}

// Repeats what failed for a reason that may pass, as when the backend restarts.
async function patiently(work) {
  for (let delay = 250; ; delay = Math.min(delay * 2, 5000)) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refused && error.status < 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

// The SDK asks for a token before the last one expires. 403 means that there will be none.
async function getToken() {
  try {
    return (await call('/token', {})).token;
  } catch (error) {
    if (error.status === 403) throw new Centrifuge.UnauthorizedError();
    throw error;
  }
}

const notice = (text) => {
  $('notice').textContent = text;
  $('notice').hidden = !text;
};

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// Subscribes to a channel from the position that came with the data, and loads the data again when publications were missed.
async function follow(centrifuge, channel, load, publication) {
  const { position } = await patiently(load);
  const subscription = centrifuge.newSubscription(channel, { since: position ?? undefined });
  subscription.on('publication', (context) => publication(context.data));
  subscription.on('subscribed', (context) => {
    if (!position || (context.wasRecovering && !context.recovered)) patiently(load);
  });
  return subscription;
}

class Answer {
  // A channel such as `answer:lobby/8b1f…`.
  constructor(centrifuge, channel, isMine) {
    this.text = '';
    this.centrifuge = centrifuge;
    this.channel = channel;
    const [room, id] = channel.slice('answer:'.length).split('/');
    this.path = `/rooms/${encodeURIComponent(room)}/answers/${id}`;
    this.element = element('div', 'answer');
    this.element.dataset.path = this.path;
    this.shown = this.element.appendChild(element('span', 'text'));
    this.footer = this.element.appendChild(element('footer'));
    if (isMine) {
      this.stop = this.element.appendChild(element('button', 'stop', 'Stop'));
      this.stop.onclick = () => centrifuge.rpc('stop', channel);
    }
    this.start();
  }

  async start() {
    this.subscription = await follow(this.centrifuge, this.channel, () => this.load(), (delta) => this.add(delta));
    if (this.state === 'streaming') this.subscription.subscribe();
  }

  async load() {
    const answer = await call(this.path);
    if (answer.text.length >= this.text.length) this.show(answer.text, answer.state);
    return answer;
  }

  // A publication says where its text belongs. What is there already is cut off; if something is missing, all is loaded.
  add({ from, text, state }) {
    if (from > this.text.length) patiently(() => this.load());
    else this.show(this.text.slice(0, from) + text, state);
  }

  show(text, state) {
    if (text.length < this.text.length) text = this.text;
    this.text = text;
    this.state = state;
    this.shown.textContent = text;
    this.element.classList.toggle('streaming', state === 'streaming');
    this.footer.textContent = state === 'streaming' ? '' : state;
    if (this.stop) this.stop.hidden = state !== 'streaming';
    if (state !== 'streaming') this.subscription?.unsubscribe();
    $('messages').scrollTop = $('messages').scrollHeight;
  }
}

class Room {
  constructor(centrifuge, me, [room, isOwner]) {
    Object.assign(this, { centrifuge, me, room, isOwner, messages: new Set() });
    this.path = `/rooms/${encodeURIComponent(room)}`;
  }

  async open() {
    const channel = `room:${this.room}`;
    this.subscription = await follow(this.centrifuge, channel, () => this.load(), (message) => this.show(message));
    for (const event of ['subscribed', 'join', 'leave']) this.subscription.on(event, () => this.showPresent());
    this.subscription.on('error', (context) => notice(context.error.message));
    this.subscription.subscribe();
    // Who is typing is nothing for the backend: clients may publish into this channel.
    this.typing = this.centrifuge.newSubscription(`typing:${this.room}`);
    this.typing.on('publication', ({ info }) => this.showTyping(info.user));
    this.typing.subscribe();
  }

  async load() {
    const { messages, position } = await call(this.path);
    for (const message of messages) this.show(message);
    return { position };
  }

  // A message may come more than once: as a reply, by the channel, and when the room is loaded.
  show({ id, author, text, answer }) {
    if (this.messages.has(id)) return;
    this.messages.add(id);
    const item = element('li');
    item.dataset.id = id;
    item.append(element('b', '', author), text);
    if (answer) item.append(new Answer(this.centrifuge, answer, author === this.me).element);
    const next = [...$('messages').children].find((other) => Number(other.dataset.id) > id);
    $('messages').insertBefore(item, next ?? null);
    $('messages').scrollTop = $('messages').scrollHeight;
    $('typing').textContent = '';
  }

  showTyping(name) {
    if (name === this.me) return;
    $('typing').textContent = `${name} is writing …`;
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => ($('typing').textContent = ''), 3000);
  }

  async showPresent() {
    const presence = await this.subscription.presence().catch(() => undefined);
    if (!presence) return; // the next event asks again
    const { clients } = presence;
    const names = new Set(Object.values(clients).map(({ user }) => user));
    const items = [...names].sort().map((name) => {
      const item = element('li');
      item.dataset.name = name;
      item.append(element('span', '', name));
      if (this.isOwner && name !== this.me) {
        for (const act of ['kick', 'block']) {
          const button = item.appendChild(element('button', act, act));
          button.onclick = () => call(`${this.path}/removals`, [name, act === 'block']);
        }
      }
      return item;
    });
    $('present').replaceChildren(...items);
  }
}

function showConnection(centrifuge) {
  centrifuge.on('state', ({ newState }) => {
    $('state').textContent = newState;
    $('state').className = `pill ${newState}`;
  });
  centrifuge.on('connected', () => {
    notice('');
    $('connections').textContent = Number($('connections').textContent) + 1;
  });
  centrifuge.on('disconnected', ({ code, reason }) => {
    const reconnect = reason === 'kicked' ? ' Reload the page to come back.' : '';
    notice(`The connection has ended: ${reason} (${code}).${reconnect}`);
  });
}

async function connectionToken() {
  const jwt = await getToken();
  const head = JSON.parse(atob(jwt.split('.')[0].replaceAll('-', '+').replaceAll('_', '/')));
  $('key').textContent = head.kid.slice(0, 6);
  $('tokens').textContent = Number($('tokens').textContent) + 1;
  return jwt;
}

async function openChat({ name, rooms, websocket }) {
  $('login').hidden = true;
  $('chat').hidden = false;
  $('me').textContent = name;
  // With ?session the connection has no token: Centrifugo asks the backend about the cookie.
  const hasToken = !location.search.includes('session');
  const centrifuge = new Centrifuge(websocket, {
    getToken: hasToken ? connectionToken : null,
    minReconnectDelay: 200,
    maxReconnectDelay: 3000,
  });
  showConnection(centrifuge);
  centrifuge.connect();

  const wanted = decodeURIComponent(location.hash.slice(1));
  const current = rooms.find(([room]) => room === wanted) ?? rooms[0];
  for (const [room] of rooms) {
    const link = element('a', room === current[0] ? 'current' : '', room);
    link.href = `#${encodeURIComponent(room)}`;
    $('rooms').append(link);
  }
  window.onhashchange = () => location.reload();
  const room = new Room(centrifuge, name, current);
  await room.open();
  writeTo(room);
}

function writeTo(room) {
  const input = $('text');
  let told = 0;
  input.disabled = false;
  input.oninput = () => {
    if (Date.now() - told < 2000) return;
    told = Date.now();
    room.typing.publish({}).catch(() => {});
  };
  const take = async (send) => {
    const text = input.value;
    if (!text.trim()) return;
    try {
      await send(text);
      notice('');
      input.value = '';
      told = 0;
    } catch (error) {
      notice(error.status === 409 ? 'The model is still answering you.' : `Not sent: ${error.message}`);
    }
  };
  $('write').onsubmit = (event) => {
    event.preventDefault();
    take((text) => room.subscription.publish(text));
  };
  $('ask').onclick = () => take((text) => call(`${room.path}/questions`, text));
}

$('login').onsubmit = async (event) => {
  event.preventDefault();
  try {
    await call('/login', event.submitter.value);
    location.reload();
  } catch (error) {
    $('refused').textContent = error.status === 403 ? 'You are blocked.' : error.message;
  }
};

try {
  await openChat(await call('/me'));
} catch (error) {
  if (error.status !== 401) throw error;
  $('login').hidden = false;
}
