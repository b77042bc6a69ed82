import '@strangler-fig/kernel/require-node';

await import('./serve.ts');
