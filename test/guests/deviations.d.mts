/** Checks of the sample guests at which an engine departs from the SDM; `check` is the beginning of the check's name. */
export const deviations: readonly {
  readonly guest: string;
  readonly engine: string;
  readonly check: string;
  readonly why: string;
}[];
