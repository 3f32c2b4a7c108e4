// A stream over connections that come one after the other, without any connection: who hears what, and where keys go.
import assert from 'node:assert/strict';
import { type FollowedStream, followedStream, type StreamConnection } from '../../src/inventory/followed-stream';
import { SharedStreams } from '../../src/inventory/shared-streams';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A connection that notes what happens to it. */
class Noting implements StreamConnection {
  text = '';
  isOpen = true;
  write(written: Uint8Array): void {
    this.text += Buffer.from(written).toString();
  }
  dispose(): void {
    this.isOpen = false;
  }
}

/** A stream whose connections the test makes itself, and what was heard of it. */
function open() {
  let finish!: (why: string) => void;
  let fail!: (error: Error) => void;
  const followed: { stream?: FollowedStream } = {};
  const stream = followedStream((given) => {
    followed.stream = given;
    return new Promise((resolve, reject) => ([finish, fail] = [resolve, reject]));
  });
  const heard: string[] = [];
  const listen = () => stream.onData((come) => heard.push(Buffer.from(come).toString()));
  stream.onEnd((why) => heard.push(`end: ${why}`));
  return {
    stream,
    followed,
    heard,
    listen,
    finish: (why: string) => finish(why),
    fail: (why: string) => fail(new Error(why)),
  };
}
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('inventory: a stream over several connections', () => {
  it('begins with its first listener, and once', () => {
    const { followed, listen } = open();
    assert.equal(followed.stream, undefined);
    listen();
    const { stream } = followed;
    assert.ok(stream);
    listen();
    assert.equal(followed.stream, stream);
  });

  it('hands on what comes, and writes to the connection of the moment', async () => {
    const { stream, followed, heard, listen, finish } = open();
    stream.write(bytes('lost'));
    const first = listen();
    const [one, two] = [new Noting(), new Noting()];
    followed.stream!.use(one);
    stream.write(bytes('a'));
    followed.stream!.data(bytes('from one'));
    followed.stream!.use(undefined);
    stream.write(bytes('nobody'));
    followed.stream!.use(two);
    stream.write(bytes('b'));
    followed.stream!.data(bytes('from two'));
    first.dispose();
    followed.stream!.data(bytes('unheard'));
    finish('It is gone.');
    await soon();
    assert.deepEqual([one.text, two.text, two.isOpen], ['a', 'b', false]);
    assert.deepEqual(heard, ['from one', 'from two', 'end: It is gone.']);
  });

  it('ends with what went wrong', async () => {
    const { heard, listen, fail } = open();
    listen();
    fail('No such line.');
    await soon();
    assert.deepEqual(heard, ['end: No such line.']);
  });

  it('closes its connection with it, and one that comes too late', async () => {
    const { stream, followed, heard, listen, finish } = open();
    listen();
    const [one, late] = [new Noting(), new Noting()];
    followed.stream!.use(one);
    stream.dispose();
    assert.equal(followed.stream!.isOver, true);
    followed.stream!.use(late);
    assert.deepEqual([one.isOpen, late.isOpen], [false, false]);
    finish('Nobody hears this.');
    await soon();
    assert.deepEqual(heard, []);
  });

  it('is shared: who comes later is shown what came before; the last one to leave closes it', async () => {
    const made = open();
    const shared = new SharedStreams();
    const join = () => shared.stream('line', () => made.stream);
    const [first, second] = [join(), join()];
    const texts = ['', ''];
    const hear = ({ onData }: typeof first, index: number) =>
      onData((come) => (texts[index] += Buffer.from(come).toString()));
    hear(first, 0);
    const connection = new Noting();
    made.followed.stream!.use(connection);
    made.followed.stream!.data(bytes('one '));
    hear(second, 1);
    made.followed.stream!.data(bytes('two'));
    assert.deepEqual(texts, ['one two', 'one two']);
    first.dispose();
    assert.equal(connection.isOpen, true);
    second.dispose();
    assert.equal(connection.isOpen, false);
  });
});
