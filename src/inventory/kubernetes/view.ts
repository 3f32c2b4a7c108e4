/** What the user wants to see of each namespace: a label selector, and a label that workloads are grouped by. */
import { parseSelector, type Selector } from './selector';

/** The wishes for one namespace. */
export interface NamespaceView {
  /** As it was written; empty for all. */
  readonly selectorText: string;
  readonly selector: Selector;
  /** Undefined for no groups. */
  readonly groupBy: string | undefined;
}

const ALL: NamespaceView = { selectorText: '', selector: [], groupBy: undefined };

/** The wishes for one cluster, as long as the window lives. */
export class ClusterView {
  private readonly namespaces = new Map<string, NamespaceView>();
  /** Called when the rows of a namespace are to be read again. */
  onChange: () => void = () => undefined;

  of(namespace: string): NamespaceView {
    return this.namespaces.get(namespace) ?? ALL;
  }

  /** Throws a UserError for what is no selector. */
  select(namespace: string, selectorText: string): void {
    const selector = parseSelector(selectorText);
    this.namespaces.set(namespace, { ...this.of(namespace), selectorText: selectorText.trim(), selector });
    this.onChange();
  }

  groupBy(namespace: string, groupBy: string | undefined): void {
    this.namespaces.set(namespace, { ...this.of(namespace), groupBy });
    this.onChange();
  }
}
