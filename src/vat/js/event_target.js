// SPDX-License-Identifier: Apache-2.0
// event_target - listeners and events as the DOM Standard has them, for targets without parents. A vat has
// no global Event: it gets events from what it is granted. They tell no time.
import { asWebClass } from './web_class.js';

const secret = {};
const phaseNone = 0;
const phaseAtTarget = 2;

/**
 * Made for one vat: Event; makeEvent(type); attach(target), after which fire(target, event) calls the
 * listeners. onRemoval(signal, remove) has remove called when that signal is aborted; it returns true if
 * it is already.
 */
export const makeEvents = (onRemoval) => {
  const events = new WeakMap();
  const targets = new WeakMap();
  const own = (map, object, what) => {
    const state = map.get(object);
    if (state === undefined) {
      throw TypeError(`expected ${what}`);
    }
    return state;
  };
  const eventOf = (event) => own(events, event, 'an event');
  const listenersOf = (target) => own(targets, target, 'an event target');

  class Event {
    constructor(key, type) {
      if (key !== secret) {
        throw TypeError('events cannot be made here');
      }
      events.set(this, { type, target: null, current: null, phase: phaseNone, stopped: false });
    }
    get type() {
      return eventOf(this).type;
    }
    get target() {
      return eventOf(this).target;
    }
    get srcElement() {
      return eventOf(this).target;
    }
    get currentTarget() {
      return eventOf(this).current;
    }
    get eventPhase() {
      return eventOf(this).phase;
    }
    get bubbles() {
      return eventOf(this) && false;
    }
    get cancelable() {
      return eventOf(this) && false;
    }
    get composed() {
      return eventOf(this) && false;
    }
    get defaultPrevented() {
      return eventOf(this) && false;
    }
    get isTrusted() {
      return eventOf(this) && true;
    }
    get timeStamp() {
      return eventOf(this) && 0;
    }
    composedPath() {
      const { current } = eventOf(this);
      return current === null ? [] : [current];
    }
    preventDefault() {
      eventOf(this); // nothing here can be prevented
    }
    stopPropagation() {
      eventOf(this);
    }
    stopImmediatePropagation() {
      eventOf(this).stopped = true;
    }
  }
  harden(asWebClass(Event, 'Event'));

  const remove = (list, entry) => {
    entry.removed = true;
    const at = list.indexOf(entry);
    if (at >= 0) {
      list.splice(at, 1);
    }
  };

  const isCapture = (options) => (typeof options === 'object' ? !!options?.capture : !!options);

  const checked = (listener) => {
    if (listener !== null && listener !== undefined && Object(listener) !== listener) {
      throw TypeError(`expected a listener, found a value of type ${typeof listener}`);
    }
    return listener ?? null;
  };

  const call = (target, event, { listener }) => {
    // One that throws does not keep the others from hearing.
    try {
      if (typeof listener === 'function') {
        Reflect.apply(listener, target, [event]);
      } else {
        listener.handleEvent(event);
      }
    } catch (error) {
      Promise.reject(error);
    }
  };

  const fire = (target, event) => {
    const list = listenersOf(target);
    const state = eventOf(event);
    Object.assign(state, { target, current: target, phase: phaseAtTarget, stopped: false });
    for (const entry of [...list]) {
      if (entry.type === state.type && !entry.removed) {
        if (entry.once) {
          remove(list, entry);
        }
        call(target, event, entry);
        if (state.stopped) {
          break;
        }
      }
    }
    Object.assign(state, { current: null, phase: phaseNone });
    return true;
  };

  class EventTarget {
    addEventListener(type, given, options) {
      const list = listenersOf(this);
      if (arguments.length < 2) {
        throw TypeError('addEventListener: expected a type and a listener');
      }
      const name = `${type}`;
      const listener = checked(given);
      const capture = isCapture(options);
      const { once = false, signal } = Object(options) === options ? options : {};
      const entry = { type: name, listener, capture, once: !!once, removed: false };
      if (signal !== undefined && onRemoval(signal, () => remove(list, entry))) {
        return;
      }
      const known = (one) => one.type === name && one.listener === listener && one.capture === capture;
      if (listener !== null && !list.some(known)) {
        list.push(entry);
      }
    }
    removeEventListener(type, given, options) {
      const list = listenersOf(this);
      if (arguments.length < 2) {
        throw TypeError('removeEventListener: expected a type and a listener');
      }
      const [name, listener, capture] = [`${type}`, checked(given), isCapture(options)];
      const entry = list.find(
        (one) => one.type === name && one.listener === listener && one.capture === capture,
      );
      if (entry !== undefined) {
        remove(list, entry);
      }
    }
    dispatchEvent(event) {
      listenersOf(this);
      if (eventOf(event).phase !== phaseNone) {
        throw TypeError('the event is being dispatched');
      }
      return fire(this, event);
    }
  }
  asWebClass(EventTarget, 'EventTarget');

  /** The attribute on...: one listener, whose place among the others is that of its first setting. */
  const getHandler = (target, type) =>
    listenersOf(target).find((entry) => entry.handler === type)?.inner ?? null;
  const setHandler = (target, type, given) => {
    const list = listenersOf(target);
    const inner = Object(given) === given ? given : null;
    const known = list.find((entry) => entry.handler === type);
    if (known !== undefined && inner !== null) {
      known.inner = inner;
    } else if (known !== undefined) {
      remove(list, known);
    } else if (inner !== null) {
      const entry = { type, capture: false, once: false, removed: false, handler: type, inner };
      entry.listener = function listener(event) {
        return typeof entry.inner === 'function' && Reflect.apply(entry.inner, this, [event]);
      };
      list.push(entry);
    }
  };

  return {
    EventTarget,
    attach: (target) => targets.set(target, []),
    fire,
    getHandler,
    makeEvent: (type) => new Event(secret, type),
    setHandler,
  };
};
