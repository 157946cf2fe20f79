/**
 * Typed events inside one node. Handlers run synchronously in order of subscription; one that throws is reported and
 * keeps nobody else from hearing. Events are news, never the record of what happened: that is the catalogue.
 */
export class EventBus<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<(event: never) => void>>();
  readonly #onHandlerError: (error: unknown) => void;

  constructor(onHandlerError: (error: unknown) => void) {
    this.#onHandlerError = onHandlerError;
  }

  /** Subscribes; the returned function ends the subscription. */
  on<K extends keyof Events>(type: K, handler: (event: Events[K]) => void): () => void {
    let handlers = this.#handlers.get(type);
    if (!handlers) {
      handlers = new Set();
      this.#handlers.set(type, handlers);
    }
    handlers.add(handler as (event: never) => void);
    return () => handlers.delete(handler as (event: never) => void);
  }

  /** Tells all subscribers. */
  emit<K extends keyof Events>(type: K, event: Events[K]): void {
    for (const handler of this.#handlers.get(type) ?? []) {
      try {
        (handler as (event: Events[K]) => void)(event);
      } catch (error) {
        this.#onHandlerError(error);
      }
    }
  }
}

/** Where news are told, for whoever only tells. */
export type EventSink<Events extends object> = Pick<EventBus<Events>, 'emit'>;
