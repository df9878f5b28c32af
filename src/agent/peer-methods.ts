import { AgentError } from '../base/agent-error.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { CallHost } from '../restore/call-host.ts';

type PeerMethod = (peer: string, params: unknown, signal: AbortSignal) => Promise<unknown>;

/** Who answers what, here and at the peers: this agent's own part is asked like any other. */
export class PeerMethods {
  readonly #self: string;
  #methods: Readonly<Record<string, PeerMethod>> = {};
  #mesh: Mesh | undefined;

  constructor(self: string) {
    this.#self = self;
  }

  readonly call: CallHost = async (agent, method, params, { timeoutMs, signal }) => {
    if (agent !== this.#self)
      return await this.requireMesh().request(agent, method, params, { timeoutMs, signal });
    return await this.answer(
      agent,
      method,
      params,
      AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    );
  };

  serve(methods: Readonly<Record<string, PeerMethod>>): void {
    this.#methods = methods;
  }

  /** More of them, by what was opened later. */
  alsoServe(methods: Readonly<Record<string, PeerMethod>>): void {
    this.#methods = { ...this.#methods, ...methods };
  }

  reachThrough(mesh: Mesh): void {
    this.#mesh = mesh;
  }

  requireMesh(): Mesh {
    if (this.#mesh === undefined) throw new AgentError('PEER_UNREACHABLE', 'the agent is starting');
    return this.#mesh;
  }

  async answer(peer: string, method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    const known = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    if (known === undefined) throw new AgentError('METHOD_UNKNOWN', `this agent knows no method ${method}`);
    return await known(peer, params, signal);
  }
}
