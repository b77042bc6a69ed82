import '@strangler-fig/kernel/require-node';

await import('./routes/main.ts');
