import type { Palette } from '../shared/protocol';
import { button, h, icon } from './dom';

export interface Actions {
  palette: (command: Palette) => void;
}

interface Mend {
  /** What to do, in the words of this editor; else the server's. */
  hint?: string;
  buttons: [Palette, string][];
}

const TRY: [Palette, string] = ['resume', 'Try Again'];
const SETTINGS: [Palette, string] = ['openSettings', 'Settings'];
const TEST: [Palette, string] = ['doctor', 'Test the Endpoint'];

/** What mends an error, by its code: the likeliest first. */
const MENDS: Record<string, Mend> = {
  invalid_api_key: {
    hint: 'Store the key for this endpoint with “Set API Key…”, then try again.',
    buttons: [['setKey', 'Set API Key…'], TRY, TEST],
  },
  model_not_found: {
    hint: 'Choose a model that the endpoint has.',
    buttons: [['selectModel', 'Choose Model…'], TRY, SETTINGS],
  },
  connection_failed: {
    hint: 'Is the server running, and is its address right? “Set Up…” asks for another one.',
    buttons: [TRY, ['setUp', 'Set Up…'], TEST],
  },
  tool_calling_unsupported: {
    hint: 'Choose a model that calls tools natively.',
    buttons: [['selectModel', 'Choose Model…'], TEST],
  },
  context_overflow: {
    buttons: [
      ['condense', 'Condense'],
      ['newTask', 'New Task'],
    ],
  },
  settings_invalid: { buttons: [SETTINGS, TRY] },
  rate_limited: { buttons: [TRY] },
  provider_error: { buttons: [TRY, TEST] },
  stream_broken: { buttons: [TRY] },
  timeout: { buttons: [TRY, SETTINGS] },
  internal: { buttons: [TRY, ['showLog', 'Show Log']] },
};

/** What went wrong, in one sentence, what to do, and the buttons that do it. */
export function errorCard(
  error: { message: string; hint: string; code: string },
  actions: Actions,
): HTMLElement {
  const mend = MENDS[error.code];
  const hint = mend?.hint ?? error.hint;
  return h(
    'div',
    { class: 'error', role: 'alert' },
    h('div', { class: 'error-title' }, icon('error'), ` ${error.message}`),
    hint !== '' && h('div', { class: 'hint' }, hint),
    mend && h('div', { class: 'buttons' }, ...buttons(mend.buttons, actions)),
  );
}

const buttons = (all: [Palette, string][], actions: Actions) =>
  all.map(([command, label], at) =>
    button(label, at === 0 ? 'primary' : 'secondary', () => actions.palette(command)),
  );

/** How a turn ended that came to no end of its own. */
export const STOPS: Record<
  string,
  { icon: string; text: string; kind: string; more: (actions: Actions) => HTMLElement[] }
> = {
  max_tokens: {
    icon: 'warning',
    text: "Stopped: the model's output limit cut the answer off.",
    kind: 'warning',
    more: (actions) => [goOn(actions)],
  },
  max_turn_requests: {
    icon: 'warning',
    text: 'Stopped at a limit you set.',
    kind: 'warning',
    more: (actions) => [goOn(actions)],
  },
  refusal: { icon: 'warning', text: 'The model refused to answer.', kind: 'warning', more: () => [] },
  cancelled: { icon: 'debug-stop', text: 'Stopped.', kind: '', more: (actions) => [goOn(actions)] },
};

const goOn = (actions: Actions) =>
  h('button', { class: 'link', click: () => actions.palette('resume') }, 'Go on');
