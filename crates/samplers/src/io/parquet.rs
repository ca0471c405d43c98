//! Draws as Parquet tables.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ergodic_core::Draws;
use parquet::basic::{Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{Columns, Rows, broken, check_names};
use crate::FileError;
use crate::whole_file::write_atomically;

/// Writes the columns `chain` and `draw` (64-bit integers) and the parameters (doubles), a row for
/// each draw, in order; one row group for each chain, not compressed.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_samplers::io;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("draws.parquet");
/// let draws = Draws::new(vec!["mu".into()], 2, 2, vec![1.0, 2.0, 3.0, 4.0])?;
/// io::write_parquet(&path, &draws)?;
/// assert_eq!(io::read_parquet(&path)?, draws);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written, or a parameter is called `chain` or `draw`.
pub fn write_parquet(path: impl AsRef<Path>, draws: &Draws) -> Result<(), FileError> {
    let path = path.as_ref();
    check_names(path, draws.names())?;
    write_atomically(path, |file| {
        write_table(file, draws).map_err(std::io::Error::other)
    })
}

fn write_table(file: impl std::io::Write + Send, draws: &Draws) -> Result<(), ParquetError> {
    let column = |name: &str, kind| {
        Type::primitive_type_builder(name, kind)
            .with_repetition(Repetition::REQUIRED)
            .build()
            .map(Arc::new)
    };
    let mut fields = vec![
        column("chain", Physical::INT64)?,
        column("draw", Physical::INT64)?,
    ];
    for name in draws.names() {
        fields.push(column(name, Physical::DOUBLE)?);
    }
    let schema = Type::group_type_builder("draws")
        .with_fields(fields)
        .build()?;
    // Dictionaries and statistics are of no use for draws.
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let numbers: Vec<i64> = (0..draws.num_draws() as i64).collect();
    for chain in 0..draws.num_chains() {
        let mut group = writer.next_row_group()?;
        write_column::<Int64Type>(&mut group, &vec![chain as i64; draws.num_draws()])?;
        write_column::<Int64Type>(&mut group, &numbers)?;
        let values = draws.chain(chain);
        for parameter in 0..draws.num_parameters() {
            let column = values.iter().skip(parameter);
            let column: Vec<f64> = column.step_by(draws.num_parameters()).copied().collect();
            write_column::<DoubleType>(&mut group, &column)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn write_column<D: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl std::io::Write + Send>,
    values: &[D::T],
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has too few columns".into()))?;
    column.typed::<D>().write_batch(values, None, None)?;
    column.close()
}

/// Reads a table with the columns of [`write_parquet`], in any order, of any numeric type, as other
/// programs write them (pandas, polars); rows in any order. Without a column `chain` there is one
/// chain; a column `draw` orders the draws of a chain and may begin anywhere and leave numbers out,
/// without it the rows are in order. Compression: none or Snappy.
///
/// # Errors
/// If the file cannot be read, a column holds no numbers or a missing value, a draw is there twice,
/// or chains differ in length.
pub fn read_parquet(path: impl AsRef<Path>) -> Result<Draws, FileError> {
    let path = path.as_ref();
    // The reader of the crate `parquet` asserts what a damaged file need not obey.
    std::panic::catch_unwind(|| read_table(path)).unwrap_or_else(|_| {
        Err(FileError::new(
            path,
            "is damaged: its parts contradict each other",
        ))
    })
}

fn read_table(path: &Path) -> Result<Draws, FileError> {
    let error = |e: &dyn std::fmt::Display| FileError::new(path, e);
    let file = File::open(path).map_err(|e| broken(path, &e))?;
    let reader = SerializedFileReader::new(file).map_err(|e| error(&e))?;
    let fields = reader.metadata().file_metadata().schema_descr().columns();
    let names: Vec<String> = fields.iter().map(|c| c.path().string()).collect();
    let columns = Columns::find(path, &names)?;
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|e| error(&e))?;
        let rows = usize::try_from(group.metadata().num_rows()).map_err(|e| error(&e))?;
        let chunks = group.metadata().columns().iter();
        if chunks
            .clone()
            .any(|c| c.data_page_offset() < 0 || c.compressed_size() < 0)
        {
            return Err(error(&"is damaged: a column lies before the file"));
        }
        for (i, values) in values.iter_mut().enumerate() {
            if fields[i].max_rep_level() > 0 || fields[i].max_def_level() > 1 {
                return Err(error(&format!("column {:?} is nested", names[i])));
            }
            let wrong = |e: &dyn std::fmt::Display| error(&format!("column {:?}: {e}", names[i]));
            let before = values.len();
            let optional = fields[i].max_def_level() == 1;
            let read = group.get_column_reader(i).and_then(|column| match column {
                ColumnReader::DoubleColumnReader(c) => append(c, rows, optional, values, |x| x),
                ColumnReader::FloatColumnReader(c) => append(c, rows, optional, values, f64::from),
                ColumnReader::Int32ColumnReader(c) => append(c, rows, optional, values, f64::from),
                ColumnReader::Int64ColumnReader(c) => {
                    append(c, rows, optional, values, |x| x as f64)
                }
                ColumnReader::BoolColumnReader(c) => {
                    append(c, rows, optional, values, |x| f64::from(u8::from(x)))
                }
                _ => Err(ParquetError::General("holds no numbers".into())),
            });
            read.map_err(|e| wrong(&e))?;
            if values.len() != before + rows {
                let missing = before + rows - values.len();
                return Err(wrong(&format!("{missing} values are missing")));
            }
        }
    }
    let mut rows = Rows::default();
    for row in 0..values[columns.parameters[0]].len() {
        let draw = columns.draw.map_or(row as f64, |c| values[c][row]);
        let chain = columns.chain.map_or(0.0, |c| values[c][row]);
        if !(draw.is_finite() && chain.is_finite()) {
            let reason = format!("row {row} is of chain {chain} and draw {draw}");
            return Err(error(&format!("{reason}, but both must be finite")));
        }
        rows.push(&chain.to_string(), draw);
    }
    let parameters: Vec<Vec<f64>> = columns
        .parameters
        .iter()
        .map(|&i| std::mem::take(&mut values[i]))
        .collect();
    let names = columns
        .parameters
        .iter()
        .map(|&i| names[i].clone())
        .collect();
    rows.into_draws(path, names, &parameters, |row| format!("row {row}"))
}

/// Appends a column of a row group; a column that may miss values is read with their levels.
fn append<D: DataType>(
    mut column: ColumnReaderImpl<D>,
    rows: usize,
    optional: bool,
    out: &mut Vec<f64>,
    convert: impl Fn(D::T) -> f64,
) -> Result<(), ParquetError> {
    let (mut left, mut levels, mut values) = (rows, Vec::new(), Vec::new());
    while left > 0 {
        levels.clear();
        values.clear();
        let levels = optional.then_some(&mut levels);
        let (records, _, _) = column.read_records(left, levels, None, &mut values)?;
        if records == 0 {
            break;
        }
        left -= records;
        out.extend(values.drain(..).map(&convert));
    }
    Ok(())
}
