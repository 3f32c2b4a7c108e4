/** Things that are given back once. */

/** Has something open until it is disposed of; doing it twice does nothing more. */
export interface Disposable {
  dispose(): void;
}
