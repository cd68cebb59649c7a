// A headless Chromium, spoken to over its debugging pipe: no packages, and no port.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

/** Starts a browser with a profile of its own. */
export async function start(path) {
  const profile = mkdtempSync(join(tmpdir(), "kiln-browser-"));
  const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const [to, from] = [child.stdio[3], child.stdio[4]];
  const waiting = new Map();
  const listeners = new Set();
  let number = 0;
  let rest = "";
  from.setEncoding("utf8");
  from.on("data", (text) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop();
    for (const message of messages.map((each) => JSON.parse(each))) {
      const waiter = waiting.get(message.id);
      if (!waiter) for (const listener of listeners) listener(message);
      else {
        waiting.delete(message.id);
        if (message.error) waiter.reject(new Error(`${waiter.method}: ${message.error.message}`));
        else waiter.resolve(message.result);
      }
    }
  });
  const failed = new Promise((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the browser ended with ${code}`)));
  });
  failed.catch(() => {});
  const send = (method, params = {}, sessionId = undefined) =>
    Promise.race([
      failed,
      new Promise((resolve, reject) => {
        waiting.set(++number, { resolve, reject, method });
        to.write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`);
      }),
    ]);
  const stop = async () => {
    const over = new Promise((resolve) => child.on("exit", resolve));
    await send("Browser.close").catch(() => child.kill());
    await over;
    // Its helpers may write for a moment longer.
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  return { send, stop, listeners };
}

/** A page of a size, with what one does to a page. */
export async function open(browser, { width, height, phone = false, dark = false }) {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  const send = (method, params) => browser.send(method, params, sessionId);
  const complaints = [];
  const requests = [];
  const heard = [];
  const listener = (message) => {
    if (message.sessionId !== sessionId) return;
    const { method, params } = message;
    if (method === "Runtime.exceptionThrown")
      complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type))
      complaints.push(params.args.map((arg) => arg.value ?? arg.description).join(" "));
    if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level))
      complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
    for (const each of [...heard])
      if (each.method === method) {
        heard.splice(heard.indexOf(each), 1);
        each.resolve(params);
      }
  };
  browser.listeners.add(listener);
  for (const domain of ["Page", "Runtime", "Log", "Network", "DOM"]) await send(`${domain}.enable`);
  await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: phone ? 2 : 1, mobile: phone });
  if (phone) await send("Emulation.setTouchEmulationEnabled", { enabled: true });
  await send("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
  });
  const hear = (method) => new Promise((resolve) => heard.push({ method, resolve }));

  /** The value of an expression in the page. */
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  /** Waits until what was done is on the screen. */
  const painted = () =>
    evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(done), 0)))");
  /** The middle of an element that is in sight. */
  const middle = async (selector) => {
    const at = await evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      if (!element) return null;
      element.scrollIntoView({ block: "center", inline: "nearest" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    })()`);
    if (!at) throw new Error(`there is no ${selector}`);
    await painted();
    // Scrolling may have drawn it anew.
    return evaluate(`(() => {
      const { left, top, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
      return { x: left + Math.min(width / 2, 60), y: top + height / 2 };
    })()`);
  };
  const mouse = (type, { x, y }, more = {}) => send("Input.dispatchMouseEvent", { type, x, y, ...more });
  const page = {
    complaints,
    requests,
    evaluate,
    painted,
    send,
    load: async (url) => {
      const loaded = hear("Page.loadEventFired");
      const begin = performance.now();
      await send("Page.navigate", { url });
      await loaded;
      await painted();
      return performance.now() - begin;
    },
    /** Milliseconds until the answer to an act is on the screen. */
    timed: async (act) => {
      const begin = performance.now();
      await act();
      await painted();
      return performance.now() - begin;
    },
    middle,
    hover: async (selector) => mouse("mouseMoved", await middle(selector)),
    leave: () => mouse("mouseMoved", { x: 1, y: 1 }),
    press: async (at) => {
      await mouse("mouseMoved", at);
      await mouse("mousePressed", at, { button: "left", clickCount: 1 });
      await mouse("mouseReleased", at, { button: "left", clickCount: 1 });
    },
    click: async (selector) => page.press(await middle(selector)),
    tap: async (selector) => {
      const at = await middle(selector);
      await send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [at] });
      await send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    },
    key: async (key, code = key) => {
      const text = { Enter: "\r", " ": " " }[key] ?? (key.length === 1 ? key : undefined);
      const virtual = { Enter: 13, Escape: 27, Tab: 9, " ": 32 }[key] ?? key.toUpperCase().charCodeAt(0);
      await send("Input.dispatchKeyEvent", {
        type: text ? "keyDown" : "rawKeyDown",
        key,
        code,
        text,
        windowsVirtualKeyCode: virtual,
      });
      await send("Input.dispatchKeyEvent", { type: "keyUp", key, code, windowsVirtualKeyCode: virtual });
    },
    type: async (text) => {
      for (const letter of text) await page.key(letter);
    },
    choose: async (selector, files) => {
      const { root } = await send("DOM.getDocument");
      const { nodeId } = await send("DOM.querySelector", { nodeId: root.nodeId, selector });
      await send("DOM.setFileInputFiles", { nodeId, files });
    },
    shot: async (file) =>
      writeFileSync(file, Buffer.from((await send("Page.captureScreenshot", { format: "png" })).data, "base64")),
    close: async () => {
      browser.listeners.delete(listener);
      await browser.send("Target.closeTarget", { targetId });
    },
  };
  return page;
}
