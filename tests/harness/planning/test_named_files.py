from archarena.harness.planning.named_files import named_files


def test_a_folder_is_hashed_by_the_files_directly_in_it(tmp_path):
    settings = {"path": str(tmp_path), "batch": 8}
    (tmp_path / "weights.bin").write_bytes(b"old")
    (tmp_path / "sub").mkdir()
    old = named_files(settings)
    assert list(old) == [str(tmp_path)]
    (tmp_path / "sub" / "deeper").write_bytes(b"x")
    assert named_files(settings) == old
    (tmp_path / "weights.bin").write_bytes(b"new")
    assert named_files(settings) != old


def test_other_text_names_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named_files({"a": "gelu", "b": "", "c": "x" * 5000, "d": "a\0b", "e": [1, None, ("relu",)]}) == {}


def test_a_path_is_relative_to_the_plugin_first(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "start.bin").write_bytes(b"near the plugin")
    near = named_files(["start.bin"], tmp_path)
    assert named_files(["start.bin"]) == {}
    (tmp_path / "here" / "start.bin").write_bytes(b"in the working directory")
    assert named_files(["start.bin"], tmp_path) == near
    assert named_files(["start.bin"]) != near
