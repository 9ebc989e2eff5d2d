// The official TypeScript clients, old and new, as agents of a bridge. Both look
// alike from outside, so that every test runs with each.

import assert from 'node:assert/strict'
import { once } from 'node:events'

import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { AjvJsonSchemaValidator as ValidatorV1 } from '@modelcontextprotocol/sdk/validation/ajv'
import { Client as ClientV2, SSEClientTransport as SseV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { AjvJsonSchemaValidator as ValidatorV2 } from '@modelcontextprotocol/client/validators/ajv'

import { binary, environment } from './bridge.mjs'

const v1 = { Client: ClientV1, Stdio: StdioV1, Http: HttpV1, Sse: SseV1, Validator: ValidatorV1 }
const v2 = { Client: ClientV2, Stdio: StdioV2, Http: HttpV2, Sse: SseV2, Validator: ValidatorV2 }

// The ways into a bridge, with the revision of the protocol that must come of it.
export const ways = [
	{ name: 'v1 stdio', sdk: v1, transport: 'stdio', version: '2025-11-25' },
	{ name: 'v2 mcp', sdk: v2, transport: 'mcp', mode: 'auto', version: '2026-07-28' },
	{ name: 'v1 sse', sdk: v1, transport: 'sse', version: '2025-11-25' },
	{ name: 'v2 stdio', sdk: v2, transport: 'stdio', mode: 'auto', version: '2026-07-28' },
	{ name: 'v1 mcp', sdk: v1, transport: 'mcp', version: '2025-11-25' },
	{ name: 'v2 sse', sdk: v2, transport: 'sse', mode: 'auto', version: '2025-11-25' },
	{ name: 'v2 mcp legacy', sdk: v2, transport: 'mcp', mode: 'legacy', version: '2025-11-25' },
	{ name: 'v2 stdio legacy', sdk: v2, transport: 'stdio', mode: 'legacy', version: '2025-11-25' },
]

export const modern = way => way.version >= '2026-07-28'

// Agent is one client, connected.
export class Agent {
	// connect comes in: over HTTP to url, over stdio to a process of its own on the
	// place's database. A token is shown as the transport can.
	static async connect(way, { place, url, token }) {
		const agent = new Agent(way)
		try {
			await agent.#open(place, url, token)
		} catch (err) {
			await agent.client.close()
			throw err
		}
		return agent
	}

	constructor(way) {
		this.way = way
		this.name = way.name.replaceAll(' ', '-')
		this.used = new Set() // tools that have answered
		this.checked = 0 // structured answers that the client has compared with their schema
		this.errors = [] // what the client complained of: answers nobody waits for, broken messages
		this.notified = [] // notifications nobody asked for
		this.cancelled = undefined // resolves when the last cancellation has been sent, if one was
		this.client = new way.sdk.Client({ name: this.name, version: '1.0.0' }, {
			jsonSchemaValidator: this.#counting(new way.sdk.Validator()),
			versionNegotiation: way.mode && { mode: way.mode },
		})
		this.client.onerror = err => this.errors.push(err.message)
		this.client.fallbackNotificationHandler = async n => { this.notified.push(n.method) }
	}

	async #open(place, url, token) {
		this.transport = this.#transport(place, url, token)
		const set = this.transport.setProtocolVersion?.bind(this.transport)
		this.transport.setProtocolVersion = version => { this.version = version; set?.(version) }
		const send = this.transport.send.bind(this.transport)
		this.transport.send = (message, options) => {
			const sent = send(message, options)
			if (message.method === 'notifications/cancelled') this.cancelled = sent
			return sent
		}
		await this.client.connect(this.transport)
		this.version = this.client.getNegotiatedProtocolVersion?.() ?? this.version
		this.process = this.transport._process
		this.tools = (await this.client.listTools()).tools
	}

	#transport(place, url, token) {
		const { Stdio, Http, Sse } = this.way.sdk
		const options = token && { requestInit: { headers: { Authorization: `Bearer ${token}` } } }
		switch (this.way.transport) {
			case 'mcp': return new Http(new URL(`${url}/mcp`), options)
			case 'sse': return new Sse(new URL(`${url}/sse`), options)
		}
		const env = environment(place, token && { AGENTBRIDGE_AUTH_TOKEN: token })
		const transport = new Stdio({ command: binary, args: ['stdio', '--db', place.db, '--limits', 'off'], env, stderr: 'pipe' })
		this.log = ''
		transport.stderr.on('data', text => { this.log += text })
		return transport
	}

	#counting(validator) {
		return {
			getValidator: schema => {
				const validate = validator.getValidator(schema)
				return value => { this.checked++; return validate(value) }
			},
		}
	}

	// ask calls a tool and returns the result as it came.
	ask(tool, args, options) {
		const params = { name: tool, arguments: args }
		return this.way.sdk === v1 ? this.client.callTool(params, undefined, options) : this.client.callTool(params, options)
	}

	// call wants the tool to succeed, with text for a model and structured content
	// that the client has checked, and returns the latter.
	async call(tool, args = {}, options) {
		const before = this.checked
		const result = await this.ask(tool, args, options)
		assert.ok(!result.isError, `${this.name}: ${tool} was refused: ${JSON.stringify(result.content)}`)
		assert.ok(result.content[0]?.text, `${this.name}: ${tool} answered without text`)
		assert.ok(this.checked > before, `${this.name}: the client did not check what ${tool} answered`)
		this.used.add(tool)
		return result.structuredContent
	}

	// refused wants the tool to fail with one sentence, and returns it.
	async refused(tool, args = {}) {
		const result = await this.ask(tool, args)
		assert.equal(result.isError, true, `${this.name}: ${tool} was not refused: ${JSON.stringify(result)}`)
		assert.equal(result.content.length, 1)
		assert.equal(result.structuredContent, undefined)
		const { text } = result.content[0]
		assert.match(text, /^\w+: \S.*\S$/, `${this.name}: ${tool} was refused without a sentence`)
		return text
	}

	// close hangs up. A process of ours has to end by itself when its input does.
	async close() {
		const child = this.process
		const ended = child && child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
		await this.client.close()
		await ended
		if (child) {
			assert.equal(child.signalCode, null, `${this.name}: the process had to be killed`)
			assert.equal(child.exitCode, 0, `${this.name}: ${this.log}`)
		}
	}
}
