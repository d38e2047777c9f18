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
  | { sessionUpdate: 'user_message_chunk'; content: Text | Link }
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
  | { sessionUpdate: '_changes'; uri: string; added: number; removed: number; state?: 'kept' | 'reverted' }
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

/** `roo/requestPermission`, with what the view needs to draw it. */
export interface Permission {
  requestId: string;
  taskId: string | null;
  kind: 'permission' | 'trust';
  title: string;
  detail: string[];
  toolCall?: { toolCallId: string | null; title: string; kind: string; locations: { path: string }[] } | null;
  options: Option[];
}

/** A file the task changed, and how many of its hunks wait for a review. */
export interface Changed {
  uri: string;
  name: string;
  added: number;
  removed: number;
  pending: number;
}

/** A file or a selection that goes with the next message. */
export interface Attachment {
  uri: string;
  label: string;
  range?: { start: { line: number; character: number }; end: { line: number; character: number } };
}

/** What holds beside the timeline. */
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
}

export type ToView =
  | { type: 'task'; taskId: string | null; title: string }
  | { type: 'events'; events: Event[] }
  | { type: 'permissions'; permissions: Permission[] }
  | { type: 'changes'; changes: Changed[] }
  | { type: 'attachments'; attachments: Attachment[] }
  | { type: 'facts'; facts: Facts }
  | { type: 'files'; query: string; files: string[] }
  | { type: 'failed'; text: string; message: string }
  | { type: 'focus' };

export type FromView =
  | { type: 'ready' }
  | { type: 'send'; text: string; mode: string; profile: string }
  | { type: 'cancel' }
  | { type: 'respond'; requestId: string; decision: string; feedback: string }
  | { type: 'answer'; requestId: string; text: string }
  | { type: 'diff'; toolCallId: string; path: string; oldText: string; newText: string }
  | { type: 'open'; path: string; line?: number }
  | { type: 'link'; href: string }
  | { type: 'mode'; mode: string }
  | { type: 'profile'; profile: string }
  | { type: 'detach'; index: number }
  | { type: 'files'; query: string }
  | {
      type:
        | 'review'
        | 'keepAll'
        | 'revertAll'
        | 'newTask'
        | 'setKey'
        | 'doctor'
        | 'openSettings'
        | 'restart'
        | 'showLog'
        | 'selectModel';
    };
