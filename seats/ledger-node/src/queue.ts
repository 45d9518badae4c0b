/** Tasks that must not overlap. */

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the task when all before it have ended, well or not. Returns what it returns, raises what it raises. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
