/** What runs on behalf of the user, and what has ended lately: with progress, and a way to give it up. */
import * as vscode from 'vscode';

/** One running or ended task. */
export interface Task {
  readonly title: string;
  readonly started: number;
  words: string;
  state: 'running' | 'done' | 'failed' | 'aborted';
  readonly abort: AbortController;
}

const MOST_ENDED = 20;
const ICONS: Readonly<Record<Task['state'], vscode.ThemeIcon>> = {
  running: new vscode.ThemeIcon('loading~spin'),
  done: new vscode.ThemeIcon('pass', new vscode.ThemeColor('charts.green')),
  failed: new vscode.ThemeIcon('error', new vscode.ThemeColor('charts.red')),
  aborted: new vscode.ThemeIcon('circle-slash'),
};

export class TaskList implements vscode.TreeDataProvider<Task>, vscode.Disposable {
  private tasks: Task[] = [];
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;

  /** Runs a task and shows it. Rejects as it does; one that was given up resolves. */
  async run(
    title: string,
    work: (signal: AbortSignal, progress: (words: string, fraction?: number) => void) => Promise<void>,
  ): Promise<void> {
    const task: Task = { title, started: Date.now(), words: '', state: 'running', abort: new AbortController() };
    this.tasks = [task, ...this.tasks];
    this.changed.fire(undefined);
    const progress = (words: string, fraction?: number): void => {
      task.words = fraction === undefined ? words : `${words} (${Math.round(100 * fraction)} %)`;
      this.changed.fire(undefined);
    };
    try {
      const { signal } = task.abort;
      // An engine that does not listen is not waited for.
      const givenUp = new Promise<never>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true }),
      );
      const ended = work(signal, progress);
      ended.catch(() => {});
      await Promise.race([ended, givenUp]);
      task.state = 'done';
      task.words = '';
    } catch (error) {
      task.state = task.abort.signal.aborted ? 'aborted' : 'failed';
      task.words = task.state === 'aborted' ? 'given up' : (error as Error).message;
      if (task.state === 'failed') throw error;
    } finally {
      const ended = this.tasks.filter(({ state }) => state !== 'running').slice(0, MOST_ENDED);
      this.tasks = this.tasks.filter((one) => one.state === 'running' || ended.includes(one));
      this.changed.fire(undefined);
    }
  }

  /** How many run. */
  get running(): number {
    return this.tasks.filter(({ state }) => state === 'running').length;
  }

  /** Forgets those that have ended. */
  clear(): void {
    this.tasks = this.tasks.filter(({ state }) => state === 'running');
    this.changed.fire(undefined);
  }

  getTreeItem({ title, words, state, started }: Task): vscode.TreeItem {
    const row = new vscode.TreeItem(title);
    row.description = words || (state === 'running' ? 'running' : new Date(started).toLocaleTimeString());
    row.iconPath = ICONS[state];
    row.contextValue = `;task;${state};`;
    row.tooltip = [title, `started ${new Date(started).toLocaleTimeString()}`, words].filter(Boolean).join('\n');
    return row;
  }

  getChildren(task?: Task): Task[] {
    return task ? [] : this.tasks;
  }

  dispose(): void {
    for (const { abort } of this.tasks) abort.abort();
    this.changed.dispose();
  }
}
