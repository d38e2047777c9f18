/** What the server says, and what the extension and its view say to each other. */

export interface Text {
  type: 'text';
  text: string;
}

export interface Link {
  type: 'resource_link';
  uri: string;
  name: string;
}

export interface Diff {
  type: 'diff';
  path: string;
  oldText: string | null;
  newText: string;
}

export type Content = Diff | { type: 'content'; content: Text };

export type CallStatus = 'pending' | 'in_progress' | 'completed' | 'failed';

export type TaskState = 'running' | 'waiting' | 'idle' | 'failed';

export interface Option {
  optionId: string;
  name: string;
  kind: string;
}

export interface CallUpdate {
  toolCallId: string;
  status?: CallStatus;
  title?: string;
  kind?: string;
  rawInput?: Record<string, unknown>;
  rawOutput?: string;
  content?: Content[];
  locations?: { path: string; line?: number }[];
  _meta?: {
    tool?: string;
    output?: string;
    title?: string;
    lines?: number;
    quiet?: boolean;
    denied?: boolean;
    answer?: boolean;
    [key: string]: unknown;
  };
}

export type Update =
  | { sessionUpdate: 'user_message_chunk'; content: Text | Link; _meta?: { entry?: number } }
  | { sessionUpdate: 'agent_message_chunk' | 'agent_thought_chunk'; content: Text }
  | ({ sessionUpdate: 'tool_call' | 'tool_call_update' } & CallUpdate)
  | ({ sessionUpdate: '_tool_call_arguments'; delta: string; bytes: number } & CallUpdate)
  | {
      sessionUpdate: '_permission';
      requestId: string;
      toolCallId?: string | null;
      title?: string;
      outcome?: string;
      by?: string;
    }
  | {
      sessionUpdate: '_question';
      requestId: string;
      question?: string;
      suggestions?: string[];
      answer?: string | null;
    }
  | { sessionUpdate: 'plan'; entries: { content: string; status: string }[] }
  | {
      sessionUpdate: 'usage_update';
      used: number;
      size: number;
      cost: { amount: number };
      _meta?: Record<string, unknown>;
    }
  | { sessionUpdate: 'current_mode_update'; currentModeId: string }
  | { sessionUpdate: '_retry'; attempt: number; attempts: number; delay: number; reason: string }
  | { sessionUpdate: '_condensed'; before: number; after: number; kind: string; _meta?: { reason?: string } }
  | { sessionUpdate: '_checkpoint'; checkpointId: string; label: string }
  | { sessionUpdate: '_rewound'; entry: number }
  | { sessionUpdate: '_at_work'; seconds: number; tokens: number; tokensPerSecond: number }
  | { sessionUpdate: '_changes'; uri: string; added: number; removed: number; state?: 'kept' | 'reverted' }
  | {
      sessionUpdate: '_queued';
      messageId: string;
      text?: string;
      state?: 'delivered' | 'removed' | 'returned';
    }
  | { sessionUpdate: '_subtask'; taskId: string; title: string; state: TaskState }
  | { sessionUpdate: 'available_commands_update'; availableCommands: unknown[] }
  | {
      sessionUpdate: '_state';
      state: TaskState;
      stopReason?: string;
      error?: { code: string; message: string; hint: string };
    };

/** The `roo` object: `seq` counts from 1 in each task, without gaps. */
export interface Event {
  v: number;
  taskId: string;
  seq: number;
  ts: number;
  update: Update;
}

/** `roo/requestPermission`, and what the list of approvals has, with what the view needs to draw it. */
export interface Permission {
  requestId: string;
  taskId: string | null;
  kind: 'permission' | 'trust';
  title: string;
  detail: Line[];
  toolCall?: { toolCallId: string | null; title: string; kind: string; locations: { path: string }[] } | null;
  options: Option[];
  /** The title of its task, where that is another one than the view shows. */
  task?: string;
}

/** A line of what is asked; `path` where it is about a file that can be looked at. */
export interface Line {
  text: string;
  path?: string;
}

/** A file the task changed, and how many of its hunks wait for a review. */
export interface Changed {
  uri: string;
  name: string;
  added: number;
  removed: number;
  pending: number;
}

/** A file, a selection or an image that goes with the next message. */
export interface Attachment {
  /** `file:` or, for an image that was pasted, `data:`. */
  uri: string;
  label: string;
  image?: boolean;
  range?: { start: { line: number; character: number }; end: { line: number; character: number } };
}

/** What stands below the place where one writes, while `@`, `/` or an arrow asks for it. */
export interface Offer {
  /** What is put into the text. */
  text: string;
  label: string;
  description?: string;
  icon: string;
}

/** What holds beside the timeline. */
/** What `roo.status` says, as far as it is looked at. */
export interface Status {
  provider: { baseUrl: string };
  model: string;
  mode: string;
  profile: string;
  autoApprove: Record<string, boolean>;
}

export interface Facts {
  ready: boolean;
  /** Why there is no server, for people. */
  problem?: string;
  modes: { slug: string; name: string }[];
  mode: string;
  profiles: string[];
  profile: string;
  model: string;
  endpoint: string;
  /** What was found on this machine, or why nothing was, where no endpoint is set. */
  local?: { models: string[]; problem?: string };
  /** The commands of the server: a control without its command is not shown. */
  commands: string[];
  /** The kinds that are approved without a question, of those that have a switch. */
  autoApprove: Record<string, boolean>;
  folders: { name: string; path: string }[];
}

/** The endpoint test, and what there is of it so far. */
export interface Report {
  ok: boolean;
  endpoint: string;
  model: string;
  checks: {
    name: string;
    status: 'ok' | 'failed' | 'skipped';
    message: string;
    hint?: string;
    code?: string;
  }[];
}

/** Something that happened to the server while a task was shown. */
export interface Lost {
  /** The turn that ran, or waited, was interrupted: it can be resumed. */
  interrupted: boolean;
  /** The server was started again, just now. */
  restarted?: boolean;
}

export type ToView =
  | { type: 'task'; taskId: string | null; title: string }
  | { type: 'events'; events: Event[] }
  | { type: 'permissions'; permissions: Permission[] }
  | { type: 'changes'; changes: Changed[] }
  | { type: 'attachments'; attachments: Attachment[] }
  | { type: 'facts'; facts: Facts }
  | { type: 'offers'; query: string; offers: Offer[] }
  | { type: 'history'; prompts: string[] }
  | { type: 'failed'; text: string; message: string; instead?: number }
  | { type: 'draft'; text: string }
  | { type: 'report'; report: Report | null }
  | { type: 'lost'; lost: Lost }
  | { type: 'focus' };

/** Commands of the palette that the view has a button for. */
export type Palette =
  | 'review'
  | 'keepAll'
  | 'revertAll'
  | 'newTask'
  | 'setUp'
  | 'setKey'
  | 'doctor'
  | 'openSettings'
  | 'restart'
  | 'showLog'
  | 'selectModel'
  | 'condense'
  | 'resume'
  | 'history';

export type FromView =
  | { type: 'ready' }
  | { type: 'send'; text: string; mode: string; profile: string; instead?: number }
  | { type: 'draft'; text: string }
  | { type: 'cancel' }
  | { type: 'respond'; requestId: string; decision: string; feedback: string }
  | { type: 'answer'; requestId: string; text: string }
  | { type: 'diff'; path: string; oldText: string; newText: string }
  | { type: 'open'; path: string; line?: number }
  | { type: 'link'; href: string }
  | { type: 'mode'; mode: string }
  | { type: 'profile'; profile: string }
  | { type: 'detach'; index: number }
  | { type: 'attachImage'; name: string; uri: string }
  | { type: 'attachFiles'; uris: string[] }
  | { type: 'offers'; query: string }
  | { type: 'prompts' }
  | { type: 'enhance'; text: string }
  | { type: 'show'; taskId: string }
  | { type: 'auto'; kind: string; on: boolean }
  | { type: 'unqueue'; messageId: string }
  | { type: 'requeue'; messageId: string; text: string }
  | { type: 'checkpoint'; what: 'diff' | 'restore' | 'rewind'; checkpointId: string; label: string }
  | { type: 'code'; what: 'insert' | 'apply'; text: string }
  | { type: Palette };
