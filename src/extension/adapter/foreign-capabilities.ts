/**
 * What VS Code is told at once of a session with another engine's guest. VS Code takes some capabilities, such as the
 * filters of events, from the answer to `initialize` alone, where the adapter does not yet know which guest it will have;
 * the configuration says that.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { capabilitiesWithout } from '../../dap/capabilities';
import { lacksOf } from '../../targets/foreign-guest/lacks';

/** The adapter's next message as VS Code shall hear it. */
export function withoutLacks(
  configuration: Readonly<Record<string, unknown>>,
  message: DebugProtocol.ProtocolMessage,
): DebugProtocol.ProtocolMessage {
  const { type, command, body } = message as DebugProtocol.InitializeResponse;
  const lacks = lacksOf(configuration);
  if (type !== 'response' || command !== 'initialize' || !body || lacks.length === 0) return message;
  return { ...message, body: { ...body, ...capabilitiesWithout(new Set(lacks)) } } as DebugProtocol.InitializeResponse;
}
