// CodeMirror for YAML. It lives in a shadow root: there its styles are adopted sheets, which the page's content policy
// allows, while <style> elements in the page are forbidden.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "#184a95" },
  { tag: [tags.string, tags.content], color: "#17603c" },
  { tag: [tags.keyword, tags.bool, tags.number, tags.atom], color: "#8a3d00" },
  { tag: [tags.comment, tags.lineComment], color: "#56607a", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "#56607a" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "13.5px", backgroundColor: "#fff", color: "#172033" },
  "&.cm-focused": { outline: "3px solid #6ea2ef", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace', lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "#f3f5f9", color: "#56607a", borderRight: "1px solid #dde2ec" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "#eef3fb" },
  // CodeMirror marks with pictures from data addresses, which the content policy forbids.
  ".cm-lintRange-error, .cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy #b3261e 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { backgroundColor: "#fdeceb" },
  ".cm-lintRange-warning": { textDecorationColor: "#b77f00", backgroundColor: "#fff4dc" },
  ".cm-lint-marker": { width: "0.8em", height: "0.8em", margin: "0.35em 0 0" },
  ".cm-lint-marker-error, .cm-lint-marker-warning": { content: "none", backgroundColor: "#b3261e", borderRadius: "50%", width: "0.7em", height: "0.7em" },
  ".cm-lint-marker-warning": { backgroundColor: "#b77f00" },
});

export class CodeEditor {
  #view;

  constructor(host, { text, label, words, onChange, onSave }) {
    const root = host.attachShadow({ mode: "open" });
    // The host is a positioned box of a fixed height; in a shadow root percentages need a box of their own.
    const box = document.createElement("div");
    box.style.height = "100%";
    root.append(box);
    const saving = { key: "Mod-s", run: () => { onSave(); return true; } };
    this.#view = new EditorView({
      root,
      parent: box,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), history(), foldGutter(), drawSelection(),
          indentUnit.of("  "), indentOnInput(), bracketMatching(), yaml(), syntaxHighlighting(colours), lintGutter(),
          search({ top: true }), highlightSelectionMatches(), EditorView.lineWrapping, theme,
          EditorState.phrases.of(words),
          keymap.of([saving, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, ...defaultKeymap, indentWithTab]),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => { if (update.docChanged) onChange(); }),
        ],
      }),
    });
  }

  get text() { return this.#view.state.doc.toString(); }

  set text(text) {
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  // Marks at the lines of the faults.
  mark(faults) {
    const { doc } = this.#view.state;
    const marks = faults.map((fault) => {
      const line = doc.line(Math.min(Math.max(1, fault.line), doc.lines));
      const from = line.from + (line.text.length - line.text.trimStart().length);
      return { from: Math.min(from, line.to), to: line.to, severity: fault.warning ? "warning" : "error", message: fault.message };
    });
    marks.sort((one, other) => one.from - other.from);
    this.#view.dispatch(setDiagnostics(this.#view.state, marks));
  }

  show(number, focus = true) {
    const { doc } = this.#view.state;
    const line = doc.line(Math.min(Math.max(1, number), doc.lines));
    this.#view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
    if (focus) this.#view.focus();
  }

  // The line where a node begins, or 0.
  lineOf(node) {
    const { doc } = this.#view.state;
    let within = false;
    for (let number = 1; number <= doc.lines; number += 1) {
      const { text } = doc.line(number);
      if (/^\S/.test(text)) within = /^nodes\s*:/.test(text);
      else if (within && text.trim().replace(/["']/g, "").startsWith(`${node}:`)) return number;
    }
    return 0;
  }
}
