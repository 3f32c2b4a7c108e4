/** What this adapter can do beyond the protocol's minimum. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Lack } from '../targets/target';
import { type EventFilter, FILTERS } from './breakpoints/event-filters';

const announced = ({
  id,
  label,
  description,
  isDefault,
  conditionDescription,
}: EventFilter): DebugProtocol.ExceptionBreakpointsFilter => ({
  filter: id,
  label,
  description,
  default: isDefault,
  supportsCondition: true,
  conditionDescription,
});

/** The body of the answer to `initialize`. */
export const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsBreakpointLocationsRequest: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  exceptionBreakpointFilters: FILTERS.map(announced),
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: [' ', '$', '.', '>'],
  supportsValueFormattingOptions: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsSteppingGranularity: true,
  supportsStepInTargetsRequest: true,
  supportsGotoTargetsRequest: true,
  supportsModulesRequest: true,
  supportsLoadedSourcesRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  supportTerminateDebuggee: true,
  supportSuspendDebuggee: true,
  supportsCancelRequest: true,
};

/** What a target can do that has none of our machines' kind: the body of a `capabilities` event. */
export function capabilitiesWithout(lacks: ReadonlySet<Lack>): DebugProtocol.Capabilities {
  const isAtRest = lacks.has('running');
  return {
    ...(lacks.has('events') && {
      // Where Linux panics is a place in code.
      exceptionBreakpointFilters: isAtRest ? [] : FILTERS.filter(({ id }) => id === 'panic').map(announced),
    }),
    ...(lacks.has('ending') && {
      supportsRestartRequest: false,
      supportsTerminateRequest: false,
      supportTerminateDebuggee: false,
      supportSuspendDebuggee: false,
    }),
    ...(lacks.has('editing') && {
      supportsSetVariable: false,
      supportsSetExpression: false,
      supportsWriteMemoryRequest: false,
      supportsGotoTargetsRequest: false,
    }),
    ...(isAtRest && {
      supportsFunctionBreakpoints: false,
      supportsInstructionBreakpoints: false,
      supportsDataBreakpoints: false,
      supportsDataBreakpointBytes: false,
      supportsConditionalBreakpoints: false,
      supportsHitConditionalBreakpoints: false,
      supportsLogPoints: false,
      supportsExceptionFilterOptions: false,
      supportsStepInTargetsRequest: false,
    }),
  };
}
