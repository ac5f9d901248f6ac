// Shows what stands under the pointer: the numbers of that minute and the decision nearest to it.
for (const script of document.querySelectorAll('script[data-for]')) {
  const rows = JSON.parse(script.textContent);
  const svg = document.getElementById(script.dataset.for);
  const out = script.parentElement.querySelector('output');
  const line = svg.querySelector('.pointer');
  const marks = [...svg.querySelectorAll('.mark')];
  const [left, right] = [62, 946];
  const ms = (v) => v === null ? 'none' : v < 10000 ? `${v} ms` : `${(v / 1000).toFixed(1)} s`;
  const clock = (s) => `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, '0')}`;
  const end = rows.length ? rows[rows.length - 1][0] : 1;
  const show = (event) => {
    if (!rows.length) return;
    const box = svg.getBoundingClientRect();
    const x = Math.min(right, Math.max(left, (event.clientX - box.left) / box.width * 960));
    const s = (x - left) / (right - left) * end;
    const row = rows.find((r) => r[0] >= s) || rows[rows.length - 1];
    line.setAttribute('d', `M${x} 18V440`);
    line.setAttribute('visibility', 'visible');
    let near = null;
    for (const mark of marks) {
      mark.classList.remove('near');
      const off = Math.abs(+mark.dataset.s - s);
      if (off <= end / 150 && (!near || off < Math.abs(+near.dataset.s - s))) near = mark;
    }
    let text = `${clock(row[0])}  ${row[1]} requests/s · ${row[2]} ready, ${row[3]} starting, ${row[4]} draining · ` +
      `${row[5]} waiting at the router · first token ${ms(row[6])} · per output token ${ms(row[7])}`;
    if (near) {
      near.classList.add('near');
      text += '\n' + near.querySelector('title').textContent;
    }
    out.textContent = text;
  };
  svg.addEventListener('pointermove', show);
  svg.addEventListener('pointerdown', show);
}
